# dpotrain in an image of its own: built with Swift's toolchain, run with Debian's libraries alone.
#
#   docker build -t dpotrain .
#   docker run --rm -v "$PWD:/work" -u "$(id -u):$(id -g)" dpotrain --config /usr/local/share/dpotrain/configs/sentences.yaml
FROM swift:6.3-bookworm AS build
RUN apt-get update -qq \
  && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    libopenblas-dev liblapacke-dev libhdf5-dev libpng-dev libturbojpeg0-dev libwebp-dev libsentencepiece-dev zlib1g-dev \
    pkg-config binutils \
  && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY Package.swift ./
COPY Sources Sources
COPY Tests Tests
COPY configs configs
COPY scripts scripts
RUN swift build -c release --product dpotrain --static-swift-stdlib --scratch-path /build \
  && swift build -c release --product dpotrain-serve --static-swift-stdlib --scratch-path /build \
  && scripts/install --from /build/release/dpotrain /installed

FROM debian:bookworm-slim
RUN apt-get update -qq \
  && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    libopenblas0-pthread liblapacke libhdf5-103-1 libpng16-16 libturbojpeg0 libwebp7 libwebpdemux2 libsentencepiece0 zlib1g \
    libstdc++6 tzdata \
  && rm -rf /var/lib/apt/lists/*
COPY --from=build /installed /usr/local
WORKDIR /work
ENTRYPOINT ["dpotrain"]
CMD ["--help"]
