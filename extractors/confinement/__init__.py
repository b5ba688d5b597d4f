"""What a process cannot do while it reads a file that anybody may have made.

- `fork`: work done in a closed-in fork of the process
- `sandbox`: what closes it in, by the kernel's means
- `system_calls`: the filter of system calls
- `messages`: reads what such a process sends, without running code of it
"""
