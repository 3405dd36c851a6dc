# The simulator on port 9091, or a night of the search: any verb of autoresearch.
#
#   docker build --tag autoresearch .
#   docker run --rm --publish 127.0.0.1:9091:9091 autoresearch
#   docker run --rm --volume "$PWD/night:/night" --user "$(id -u)" autoresearch search --trials 100
#
# TORCH_INDEX_URL may name an index that has torch without CUDA, which is a tenth of the size.
FROM python:3.13-slim

ARG TORCH_INDEX_URL=""
WORKDIR /source
COPY constraints.txt ./
RUN pip install --no-cache-dir -c constraints.txt \
    ${TORCH_INDEX_URL:+--extra-index-url "$TORCH_INDEX_URL"} torch
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY agent ./agent
RUN pip install --no-cache-dir -c constraints.txt .

# Kernels are compiled here, once, and not at the start of every container.
WORKDIR /night
RUN autoresearch drive --model bundled --env warren --seconds 1 \
 && autoresearch drive --model bundled --env random_track --seconds 1 \
 && autoresearch train --timesteps 64 --eval-episodes 1 --save-dir /source/trial \
 && rm -r /source \
 && useradd --uid 1000 --create-home driver \
 && chown driver /night

USER 1000
VOLUME /night
EXPOSE 9091
ENTRYPOINT ["autoresearch"]
CMD ["simulate", "--host", "0.0.0.0", "--port", "9091"]
