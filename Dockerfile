# Two images: `docker build --target cuda -t c2fpl:cuda .` and `docker build --target cpu -t c2fpl .`; with
# `--build-arg TORCH_INDEX=...`, the address of PyTorch's CPU wheels, the latter is 5 GB smaller.
# Run: docker run --rm --user "$(id -u)" -v "$PWD/videos:/videos:ro" -v "$PWD/run:/run-folder" c2fpl run /videos -o /run-folder
# (make the folder run first: Docker would make it as root).
# For a GPU add --gpus all; the CUDA libraries are in torch's wheel, the driver is the host's.
FROM python:3.12-slim-bookworm AS base
ENV PIP_NO_CACHE_DIR=1 PYTHONDONTWRITEBYTECODE=1
RUN useradd --create-home --uid 1000 c2fpl && chmod 1777 /home/c2fpl
WORKDIR /source
COPY setup.cfg pyproject.toml README.md LICENSE ./
COPY api api
COPY pipeline pipeline
COPY extractors extractors
COPY models models

FROM base AS cpu
ARG TORCH_INDEX=""
# hadolint ignore=DL3013
RUN pip install ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} torch torchvision \
    && pip install . && rm -rf /source
USER 1000
WORKDIR /home/c2fpl
ENTRYPOINT ["c2fpl"]
CMD ["--help"]

FROM base AS cuda
RUN pip install . && rm -rf /source
USER 1000
WORKDIR /home/c2fpl
ENTRYPOINT ["c2fpl"]
CMD ["--help"]
