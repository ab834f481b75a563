#!/bin/bash
# needs: node
cd "$(mktemp -d)" || exit 1
cat >main.js <<'END'
const fs = require('fs'), { execSync, spawn, fork } = require('child_process'), net = require('net'), { Worker } = require('worker_threads');
fs.writeFileSync('f', 'content'); fs.appendFileSync('f', ' more'); console.log(fs.readFileSync('f', 'utf8'));
fs.mkdirSync('a/b/c', { recursive: true }); fs.renameSync('f', 'a/g'); console.log(fs.readdirSync('a').join());
console.log(execSync('echo from shell; exit 0').toString().trim());
try { execSync('exit 5', { stdio: 'ignore' }); } catch (e) { console.log('status', e.status); }
const stream = fs.createWriteStream('big');
for (let i = 0; i < 1000; i++) stream.write('line ' + i + '\n');
stream.end(async () => {
  let bytes = 0;
  for await (const chunk of fs.createReadStream('big')) bytes += chunk.length;
  console.log('bytes', bytes);
  const child = spawn('cat'); let text = '';
  child.stdout.on('data', d => text += d);
  child.on('close', code => {
    console.log('cat', text, code);
    const server = net.createServer(s => s.on('data', d => { s.write(d.toString().toUpperCase()); s.end(); }));
    server.listen('sock', () => {
      const client = net.connect('sock', () => client.write('over the socket'));
      client.on('data', d => console.log(d.toString()));
      client.on('close', () => {
        server.close();
        const worker = new Worker('require("worker_threads").parentPort.postMessage(6 * 7)', { eval: true });
        worker.on('message', m => console.log('worker', m));
        worker.on('exit', () => {
          const f = fork('child.js'); f.on('message', m => console.log('forked says', m)); f.on('exit', c => {
            console.log('forked ended', c);
            const w = fs.watch('a', (type, name) => { console.log('watched', name); w.close(); setTimeout(() => process.exit(9), 20); });
            fs.writeFileSync('a/new', 'x');
          });
        });
      });
    });
  });
  child.stdin.end('piped');
});
END
echo "process.send({ sum: 1 + 2 }); process.exitCode = 4; process.disconnect();" >child.js
node main.js; echo "exit $?"
node -e 'console.log(require("crypto").createHash("sha256").update("x").digest("hex"))'
echo 'console.log("stdin script")' | node -
