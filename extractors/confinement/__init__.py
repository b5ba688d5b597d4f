"""Confines a process while it reads an untrusted file.

- `fork`: runs work in a sandboxed fork of the process
- `sandbox`: restricts a process by means of the Linux kernel
- `system_calls`: the filter of system calls
- `messages`: reads messages of such a process without running its code
"""
