# Everything that rendering needs, and the package: docker build -t vincicoder .
#
# EXTRAS are those of the package, such as dinov2,robust. The sandbox needs no privilege; see docs/install.md.
FROM debian:12-slim

ARG EXTRAS=robust
ENV DEBIAN_FRONTEND=noninteractive PIP_NO_CACHE_DIR=1 PATH=/opt/vincicoder/bin:$PATH

SHELL ["/bin/bash", "-euo", "pipefail", "-c"]

# What is installed depends on two files only, so that a change of the code does not install it again.
COPY examples/install_system.sh /build/examples/
COPY vincicoder/languages/latex.txt /build/vincicoder/languages/
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends python3 python3-venv \
    && bash /build/examples/install_system.sh \
    && rm -rf /var/lib/apt/lists/*

COPY . /build
RUN python3 -m venv /opt/vincicoder \
    && pip install "/build[${EXTRAS}]" \
    && rm -rf /build

RUN useradd --create-home --uid 1000 vincicoder
USER 1000
WORKDIR /home/vincicoder
ENTRYPOINT ["vincicoder"]
CMD ["doctor"]
