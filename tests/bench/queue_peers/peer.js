'use strict'
// One peer as a process: reads commands as JSON lines, {"do": NAME, …}, and answers each with one JSON line.
//
//   node peer.js graphile|pgboss URL
//
// A peer's file has the library's own ways: install(), add(), start(), stop() and which statement completes tasks. Here
// is what is measured about them, alike for both. A task is done when the statement that completes it has been answered;
// when a handler returns is too early, as both complete in batches.
const pg = require('pg')
const readline = require('node:readline')
const { setTimeout } = require('node:timers/promises')

const [, , name, url] = process.argv
const peer = require(`./${name}.js`)
const seen = { started: 0, completed: 0, samples: [], reached: null, target: Infinity }

const seconds = (from) => Number(process.hrtime.bigint() - from) / 1e9

function count (found) {
  seen.completed += found
  if (seen.completed >= seen.target && seen.reached) seen.reached()
}

// Both libraries use this class, so neither has to be changed to see its completions.
const query = pg.Client.prototype.query
pg.Client.prototype.query = function (statement, ...rest) {
  const text = typeof statement === 'string' ? statement : statement.text
  if (!text || !peer.completes(text)) return query.call(this, statement, ...rest)
  const told = rest.at(-1)
  if (typeof told === 'function') {
    return query.call(this, statement, ...rest.slice(0, -1), (error, result) => {
      told(error, result)
      if (!error) count(peer.completed(result))
    })
  }
  const answer = query.call(this, statement, ...rest)
  answer.then((result) => count(peer.completed(result)), () => {})
  return answer
}

// The handler of a task. Where its payload says when it was added, the way to here was timed: CLOCK_MONOTONIC is the same
// for all processes.
function onTask (payload) {
  if (payload?.at) seen.samples.push(Number(process.hrtime.bigint() - BigInt(payload.at)) / 1e6)
  seen.started += 1
}

// Batches that were fetched beyond the target are completed, too, before the next thing is measured.
async function quiet () {
  await peer.stop()
  for (let turn = 0; turn < 1000 && seen.completed < seen.started; ++turn) await setTimeout(10)
}

const commands = {
  async install () {
    await peer.install()
  },

  async add_single ({ count, gap_ms = 0, timed = false }) {
    const from = process.hrtime.bigint()
    for (let i = 0; i < count; ++i) {
      await peer.add_one(timed ? { at: String(process.hrtime.bigint()) } : { number: i })
      if (gap_ms) await setTimeout(gap_ms * (0.5 + Math.random()))
    }
    return { seconds: seconds(from) }
  },

  async add_batched ({ count, size, kind = 'noop', delay_s = 0, priority = 0 }) {
    const from = process.hrtime.bigint()
    for (let done = 0; done < count; done += size) {
      await peer.add_many(Math.min(size, count - done), { kind, delay_s, priority })
    }
    return { seconds: seconds(from) }
  },

  // From the call that starts the worker, in a process that is warm, until `count` are done.
  async drain ({ count, patience_s }) {
    Object.assign(seen, { started: 0, completed: 0, samples: [], target: count })
    const reached = new Promise((resolve) => { seen.reached = resolve })
    const cpu = process.cpuUsage()
    const from = process.hrtime.bigint()
    await peer.start(onTask)
    await Promise.race([reached, setTimeout(patience_s * 1000, null, { ref: false })])
    if (seen.completed < count) throw new Error(`${seen.completed} of ${count} done after ${patience_s} s`)
    const took = seconds(from)
    const used = process.cpuUsage(cpu)
    await quiet()
    return { seconds: took, cpu_seconds: (used.user + used.system) / 1e6, done: seen.completed }
  },

  async start_worker () {
    Object.assign(seen, { started: 0, completed: 0, samples: [], target: Infinity })
    await peer.start(onTask)
  },

  async stop_worker () {
    await quiet()
  },

  async samples () {
    return { samples_ms: seen.samples }
  },

  async finish () {
    await peer.finish()
  }
}

async function main () {
  await peer.open(url)
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const { do: command, ...words } = JSON.parse(line)
    let answer
    try {
      answer = (await commands[command](words)) ?? {}
    } catch (error) {
      answer = { error: error.stack }
    }
    process.stdout.write(JSON.stringify(answer) + '\n')
  }
  await peer.finish()
}

main().catch((error) => {
  console.error(error)
  process.exit(1)
})
