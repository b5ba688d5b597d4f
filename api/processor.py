"""What the CPU can compute in hardware. Extraction and training choose their precision by it."""

import os

WITHOUT_BF16 = {
    *("SSE41", "AVX", "AVX2", "AVX2_VNNI", "AVX2_VNNI_2", "AVX512_CORE", "AVX512_CORE_VNNI"),
}
"""Values of ONEDNN_MAX_CPU_ISA that keep oneDNN, which multiplies for torch, from using bf16."""


def has_native_bf16() -> bool:
    """Whether this CPU multiplies bf16 in hardware (AVX512_BF16 or AMX), and torch may use it."""
    if os.environ.get("ONEDNN_MAX_CPU_ISA", "").upper() in WITHOUT_BF16:
        return False
    import torch

    if not hasattr(torch.cpu, "get_capabilities"):  # torch 2.6
        return bool(torch.cpu._is_avx512_bf16_supported())
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
