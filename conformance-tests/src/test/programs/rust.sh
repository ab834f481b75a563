#!/bin/bash
# needs: rustc
# timeout: 120
cd "$(mktemp -d)" || exit 1
cat >main.rs <<'END'
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::sync::{mpsc, Arc, Mutex};
fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    println!("{:?}", args);
    let total = Arc::new(Mutex::new(0u64));
    let threads: Vec<_> = (0..20).map(|i| { let t = total.clone(); std::thread::spawn(move || { for _ in 0..1000 { *t.lock().unwrap() += i; } }) }).collect();
    for t in threads { t.join().unwrap(); }
    println!("{}", total.lock().unwrap());
    std::fs::create_dir_all("a/b").unwrap();
    std::fs::write("a/b/f", "content").unwrap();
    println!("{}", std::fs::read_to_string("a/b/f").unwrap());
    let out = Command::new("sh").arg("-c").arg("echo child; exit 3").stdout(Stdio::piped()).output().unwrap();
    println!("{} {:?}", String::from_utf8_lossy(&out.stdout).trim(), out.status.code());
    let (mut a, mut b) = UnixStream::pair().unwrap();
    a.write_all(b"socket").unwrap(); drop(a);
    let mut s = String::new(); b.read_to_string(&mut s).unwrap(); println!("{}", s);
    let (tx, rx) = mpsc::channel(); std::thread::spawn(move || for i in 0..5 { tx.send(i).unwrap(); });
    println!("{:?}", rx.iter().collect::<Vec<i32>>());
    let e = std::fs::File::open("missing").unwrap_err(); println!("{:?}", e.kind());
    std::process::exit(5);
}
END
rustc -O -C target-feature=+crt-static -o static main.rs && ./static x "y z"; echo "exit $?"
rustc -o dynamic main.rs && ./dynamic; echo "exit $?"
