# syntax=docker/dockerfile:1
ARG NODE_IMAGE=node:22-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /build
COPY package.json package-lock.json tsconfig.json ./
RUN npm ci --ignore-scripts
COPY protocol ./protocol
COPY src ./src
COPY bin ./bin
RUN npx tsc -p tsconfig.json && npm prune --omit=dev --ignore-scripts

FROM ${NODE_IMAGE}
ENV NODE_ENV=production \
    OTTLA_DATA_DIR=/var/lib/ottla
RUN groupadd --system --gid 1001 ottla \
 && useradd --system --uid 1001 --gid ottla --no-create-home --shell /usr/sbin/nologin ottla \
 && mkdir -p /var/lib/ottla /etc/ottla && chown ottla:ottla /var/lib/ottla
WORKDIR /opt/ottla
COPY --from=build /build/package.json ./
COPY --from=build /build/node_modules ./node_modules
COPY --from=build /build/dist ./dist
USER ottla
VOLUME /var/lib/ottla
EXPOSE 9092
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s --retries=3 \
  CMD ["node", "/opt/ottla/dist/bin/ottla.js", "ping", "--bootstrap", "localhost:9092"]
ENTRYPOINT ["node", "/opt/ottla/dist/bin/ottla.js"]
CMD ["start", "--env"]
