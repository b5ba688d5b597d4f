"""What the CPU can compute in hardware. Extraction and training choose their precision by it."""


def has_native_bf16() -> bool:
    """Whether this CPU multiplies bf16 in hardware (AVX512_BF16 or AMX)."""
    import torch

    if not hasattr(torch.cpu, "get_capabilities"):  # torch 2.6
        return bool(torch.cpu._is_avx512_bf16_supported())
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
