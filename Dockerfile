# The service alone. Its database runs elsewhere; see docker-compose.yml and docs/operations.md.

FROM rust:1.95-bookworm AS build
WORKDIR /build
COPY . .
RUN cargo build --release --locked --bin rootmark

FROM debian:bookworm-slim
# A number that no host gives to anybody, so that what the service writes is nobody else's.
RUN groupadd --system --gid 10001 rootmark \
    && useradd --system --uid 10001 --gid rootmark --no-create-home \
        --home-dir /nonexistent --shell /usr/sbin/nologin rootmark \
    && install -d -o rootmark -g rootmark -m 0700 /var/lib/rootmark
COPY --from=build /build/target/release/rootmark /usr/local/bin/rootmark

USER 10001:10001
# Inside the container every address is the container's own: who may reach it is for -p to say.
ENV ROOTMARK_LISTEN=0.0.0.0:8080 \
    ROOTMARK_DATA_DIR=/var/lib/rootmark
# Keys and the public log. Nothing else is written: the root file system can be read-only.
VOLUME /var/lib/rootmark
EXPOSE 8080

# The image holds no HTTP client, and needs none for one line.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8080 && printf 'GET /readyz HTTP/1.0\\r\\n\\r\\n' >&3 && head -1 <&3 | grep -q ' 200 '"]

STOPSIGNAL SIGTERM
ENTRYPOINT ["rootmark"]
CMD ["serve"]
