# keysieve in a small image: a static binary beside a shell, which CI servers want.
FROM rust:1.95-alpine AS build
RUN apk add --no-cache musl-dev make cmake gcc
WORKDIR /src
COPY . .
RUN cargo build --release --locked && strip target/release/keysieve

FROM alpine:3.22
# GitLab's runner needs a shell; `git` is not needed: keysieve reads repositories itself.
COPY --from=build /src/target/release/keysieve /usr/local/bin/keysieve
USER 65534:65534
WORKDIR /src
ENTRYPOINT ["keysieve"]
