# A single broker, configured by the KAFKA_... variables of the apache/kafka image. See docs/docker.md.
ARG NODE_IMAGE=node:22-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /build
COPY package.json package-lock.json tsconfig.json ./
RUN npm ci --ignore-scripts
COPY protocol ./protocol
COPY src ./src
COPY bin ./bin
RUN npm run build && npm prune --omit=dev --ignore-scripts

FROM ${NODE_IMAGE}
# What holds where neither a KAFKA_... variable nor a mounted configuration says otherwise.
ENV NODE_ENV=production \
    UV_THREADPOOL_SIZE=16 \
    OTTLA_CONFIG=/mnt/shared/config/server.properties \
    OTTLA_DATA_DIR=/var/lib/ottla \
    OTTLA_LISTENERS=PLAINTEXT://:9092 \
    OTTLA_ADVERTISED_LISTENERS=PLAINTEXT://localhost:9092
RUN groupadd --gid 1001 ottla \
 && useradd --uid 1001 --gid ottla --no-create-home --shell /usr/sbin/nologin ottla \
 && mkdir -p /var/lib/ottla && chown ottla:ottla /var/lib/ottla \
 && printf '#!/bin/sh\nexec node /opt/ottla/dist/bin/ottla.js "$@"\n' > /usr/local/bin/ottla \
 && chmod 755 /usr/local/bin/ottla
WORKDIR /opt/ottla
COPY --from=build /build/package.json ./
COPY --from=build /build/node_modules ./node_modules
COPY --from=build /build/dist ./dist
USER ottla
VOLUME /var/lib/ottla
EXPOSE 9092
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s --retries=3 \
  CMD ["node", "/opt/ottla/dist/bin/ottla.js", "ping", "--env"]
ENTRYPOINT ["node", "/opt/ottla/dist/bin/ottla.js"]
CMD ["start", "--env"]
