//! What these do is told in bench/micro/scheduler/parked_memory.cpp.

use crate::harness::{Recorder, Registry};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, yield_now};

pub fn register(all: &mut Registry) {
    all.add("parked", |r| Box::pin(parked(r)));
    all.add("queued", |r| Box::pin(queued(r)));
}

/// A field of /proc/self/status, in bytes.
fn status_bytes(field: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("/proc/self/status");
    let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    let kilobytes = line.and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok());
    kilobytes.unwrap_or(0.0) * 1024.0
}

async fn all_end(tasks: Vec<JoinHandle<i64>>) -> i64 {
    let mut ended = 0;
    for task in tasks {
        ended += task.await.unwrap();
    }
    ended
}

async fn parked(r: &mut Recorder) {
    let number = r.count_or(1_000_000);
    let (resident, tables) = (status_bytes("VmRSS"), status_bytes("VmPTE"));
    let begin = Arc::new(Semaphore::new(0));
    let arrived = Arc::new(AtomicI64::new(0));
    let start = Instant::now();
    let tasks: Vec<_> = (0..number)
        .map(|_| {
            let (begin, arrived) = (begin.clone(), arrived.clone());
            tokio::spawn(async move {
                arrived.fetch_add(1, Ordering::Relaxed);
                assert!(begin.acquire().await.is_err()); // closed
                1
            })
        })
        .collect();
    while arrived.load(Ordering::SeqCst) < number {
        yield_now().await;
    }
    r.record_as("create", start.elapsed().as_nanos() as f64 / number as f64, "ns");
    tokio::time::sleep(Duration::from_millis(100)).await;
    r.record_as("resident", (status_bytes("VmRSS") - resident) / number as f64, "B");
    r.record_as("page_tables", (status_bytes("VmPTE") - tables) / number as f64, "B");
    let start = Instant::now();
    begin.close();
    let woken = all_end(tasks).await;
    r.record_as("wake", start.elapsed().as_nanos() as f64 / number as f64, "ns");
    r.check(woken, number, "woken");
}

async fn queued(r: &mut Recorder) {
    let number = r.count_or(1_000_000);
    let resident = status_bytes("VmRSS");
    let start = Instant::now();
    let tasks: Vec<_> = (0..number).map(|_| tokio::spawn(async { 1 })).collect();
    r.record_as("create", start.elapsed().as_nanos() as f64 / number as f64, "ns");
    r.record_as("resident", (status_bytes("VmRSS") - resident) / number as f64, "B");
    let ran = all_end(tasks).await;
    r.check(ran, number, "run");
}
