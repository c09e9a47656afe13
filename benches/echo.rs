//! TCP echo of 64-byte messages over loopback at 1, 64 and 1,024 connections: the time of a message. Server and clients
//! are green threads of two runtimes of one worker each. (`crates/compare` has the same with pinned cores, one load
//! generator for all, and the peers beside it.)

use std::{
    io::{Read, Write},
    net::SocketAddr,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use sward::{
    Runtime,
    net::{TcpListener, TcpStream},
};

const MESSAGE: usize = 64;

fn echo(c: &mut Criterion) {
    let (server, client) = (one_worker(), one_worker());
    let address = server.run(serve);
    let mut group = c.benchmark_group("echo");
    group.throughput(Throughput::Elements(1));
    for connections in [1, 64, 1_024] {
        group.bench_function(BenchmarkId::from_parameter(connections), |b| {
            b.iter_custom(|messages| client.run(|| exchange(address, connections, messages)));
        });
    }
    group.finish();
}

fn one_worker() -> Runtime {
    Runtime::builder().workers(1).build().unwrap()
}

/// Serves until its runtime ends.
fn serve() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    sward::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            sward::spawn(move || {
                let mut message = [0; MESSAGE];
                while stream.read_exact(&mut message).is_ok() {
                    stream.write_all(&message).unwrap();
                }
            });
        }
    });
    address
}

fn exchange(address: SocketAddr, connections: usize, messages: u64) -> Duration {
    let streams: Vec<_> = (0..connections).map(|_| TcpStream::connect(address).unwrap()).collect();
    let left = AtomicU64::new(messages);
    let start = Instant::now();
    sward::scope(|s| {
        for mut stream in streams {
            let left = &left;
            s.spawn(move || {
                let mut message = [7; MESSAGE];
                let take_one =
                    || left.try_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1)).is_ok();
                while take_one() {
                    stream.write_all(&message).unwrap();
                    stream.read_exact(&mut message).unwrap();
                }
            });
        }
    });
    start.elapsed()
}

criterion_group!(benches, echo);
criterion_main!(benches);
