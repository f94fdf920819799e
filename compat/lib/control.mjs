// How the tests of a cluster stop and start its nodes: a small HTTP server beside the cluster, and its client.
//   GET /nodes                   what nodes there are
//   POST /nodes/2/stop           also kill, start, pause, resume; answered when it has happened
import { createServer } from 'node:http'

const actions = {
  start: (cluster, node) => cluster.start(node.id),
  stop: (_, node) => node.stop(),
  kill: (_, node) => node.kill(),
  pause: async (_, node) => node.signal('SIGSTOP'),
  resume: async (_, node) => node.signal('SIGCONT'),
}

const told = ({ id, kind, roles, bootstrap, controller, dataDir, directoryId, conf, isRunning }) => ({
  id,
  kind,
  roles,
  bootstrap,
  controller,
  dataDir,
  directoryId,
  conf,
  isRunning,
})

async function serve(cluster, method, path) {
  if (path === '/nodes') return cluster.nodes.map(told)
  const [, id, action] = /^\/nodes\/(\d+)\/(\w+)$/.exec(path) ?? []
  const node = cluster.node(Number(id))
  if (method !== 'POST' || !node || !actions[action]) throw new Error(`${method} ${path}: no such thing`)
  await actions[action](cluster, node)
  return told(node)
}

/** Serves until `close`; `url` is what the tests are told in COMPAT_CONTROL. */
export async function serveControl(cluster) {
  const server = createServer(async (request, response) => {
    try {
      response.end(JSON.stringify(await serve(cluster, request.method, request.url)))
    } catch (error) {
      response.statusCode = 500
      response.end(JSON.stringify(String(error?.message ?? error)))
    }
  })
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${server.address().port}`, close: () => server.close() }
}

/** Asks the server at COMPAT_CONTROL. */
export async function control(path, method = 'GET') {
  const response = await fetch(`${process.env.COMPAT_CONTROL}${path}`, { method })
  const answer = await response.json()
  if (!response.ok) throw new Error(answer)
  return answer
}
