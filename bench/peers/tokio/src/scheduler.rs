//! What these do is told in bench/micro/scheduler.

use crate::harness::{Recorder, Registry, grind, spin, sum_below, together};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, mpsc};
use tokio::task::{JoinHandle, yield_now};

pub fn register(all: &mut Registry) {
    all.add("yield_2", |r| Box::pin(yield_among(r, 2, 500_000)));
    all.add("yield_1000", |r| Box::pin(yield_among(r, 1_000, 1_000)));
    all.add("spawn_batch_1000", |r| Box::pin(spawn_batches(r)));
    all.add("spawn_one", |r| Box::pin(spawn_one(r)));
    all.add("cpu_bound", |r| Box::pin(cpu_bound(r)));
    all.add("skynet", |r| Box::pin(skynet_million(r)));
    all.add("fib", |r| Box::pin(fibonacci(r)));
    all.add("go_create_goroutines", |r| Box::pin(create_chains(r, 1)));
    all.add("go_create_goroutines_parallel", |r| Box::pin(create_chains(r, 4 * r.procs as i64)));
    all.add("go_create_goroutines_capture", |r| Box::pin(create_capture(r)));
    all.add("go_create_goroutines_single", |r| Box::pin(create_single(r)));
    all.add("go_ping_pong_hog", |r| Box::pin(ping_pong_hog(r)));
    all.add("go_wakeup_parallel_spinning_0us", |r| Box::pin(wake_after(r, 0)));
    all.add("go_wakeup_parallel_spinning_1us", |r| Box::pin(wake_after(r, 1)));
    all.add("go_wakeup_parallel_spinning_2us", |r| Box::pin(wake_after(r, 2)));
    all.add("go_wakeup_parallel_spinning_5us", |r| Box::pin(wake_after(r, 5)));
    all.add("go_wakeup_parallel_spinning_10us", |r| Box::pin(wake_after(r, 10)));
    all.add("go_wakeup_parallel_spinning_20us", |r| Box::pin(wake_after(r, 20)));
    all.add("go_wakeup_parallel_spinning_50us", |r| Box::pin(wake_after(r, 50)));
    all.add("go_wakeup_parallel_spinning_100us", |r| Box::pin(wake_after(r, 100)));
    all.add("wake_under_load", |r| Box::pin(wake_under_load(r)));
}

async fn yield_among(r: &mut Recorder, tasks: i64, yields_usual: i64) {
    let yields_each = r.count(yields_usual);
    let begin = Arc::new(Notify::new());
    let arrived = Arc::new(AtomicI64::new(0));
    let all: Vec<JoinHandle<i64>> = (0..tasks)
        .map(|_| {
            let (begin, arrived) = (begin.clone(), arrived.clone());
            tokio::spawn(async move {
                let begun = begin.notified();
                arrived.fetch_add(1, Ordering::SeqCst);
                begun.await;
                let mut turns = 0;
                for _ in 0..yields_each {
                    turns += 1;
                    yield_now().await;
                }
                turns
            })
        })
        .collect();
    while arrived.load(Ordering::SeqCst) < tasks {
        yield_now().await;
    }
    let start = Instant::now();
    begin.notify_waiters();
    let mut turns = 0;
    for each in all {
        turns += each.await.unwrap();
    }
    r.record_each(start, tasks * yields_each);
    r.check(turns, tasks * yields_each, "turns");
}

async fn spawn_batches(r: &mut Recorder) {
    let (batches, each) = (r.count(300), 1_000);
    let start = Instant::now();
    for _ in 0..batches {
        let all: Vec<_> = (0..each).map(|_| tokio::spawn(async {})).collect();
        for task in all {
            task.await.unwrap();
        }
    }
    r.record_each(start, batches * each);
    r.note(batches * each);
}

async fn spawn_one(r: &mut Recorder) {
    let times = r.count(100_000);
    let mut ran = 0;
    let start = Instant::now();
    for _ in 0..times {
        ran += tokio::spawn(async { 1 }).await.unwrap();
    }
    r.record_each(start, times);
    r.check(ran, times, "tasks run");
}

async fn cpu_bound(r: &mut Recorder) {
    const STEPS: i64 = 40_000_000;
    const PARTS: i64 = 32;
    let start = Instant::now();
    let alone: Vec<u64> = (0..PARTS).map(|p| grind(p as u64 + 1, STEPS / PARTS)).collect();
    let serial = start.elapsed();
    let start = Instant::now();
    let parts = together(PARTS, |p| async move { grind(p as u64 + 1, STEPS / PARTS) }).await;
    let parallel = start.elapsed();
    r.record_as("ms", parallel.as_secs_f64() * 1e3, "ms");
    r.record_as("speedup", serial.as_secs_f64() / parallel.as_secs_f64(), "x");
    r.check((parts == alone) as i64, 1, "the parts agree");
}

fn skynet(
    parent: mpsc::Sender<i64>,
    number: i64,
    size: i64,
) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(async move {
        if size == 1 {
            return parent.send(number).await.unwrap();
        }
        let (child, mut children) = mpsc::channel(1);
        let part = size / 10;
        for i in 0..10 {
            tokio::spawn(skynet(child.clone(), number + i * part, part));
        }
        let mut sum = 0;
        for _ in 0..10 {
            sum += children.recv().await.unwrap();
        }
        parent.send(sum).await.unwrap();
    })
}

async fn skynet_million(r: &mut Recorder) {
    let (sender, mut result) = mpsc::channel(1);
    let start = Instant::now();
    tokio::spawn(skynet(sender, 0, 1_000_000));
    let sum = result.recv().await.unwrap();
    r.record_ms(start);
    r.check(sum, 499_999_500_000, "skynet");
}

fn fib(n: i64) -> Pin<Box<dyn Future<Output = i64> + Send>> {
    Box::pin(async move {
        if n < 2 {
            return n;
        }
        let forked = tokio::spawn(fib(n - 1));
        fib(n - 2).await + forked.await.unwrap()
    })
}

async fn fibonacci(r: &mut Recorder) {
    let start = Instant::now();
    let result = fib(22).await;
    r.record_each(start, 57_313);
    r.check(result, 17_711, "fib(22)");
}

fn create_chain(
    end: mpsc::Sender<i64>,
    left: i64,
    made: i64,
) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(async move {
        if left == 0 {
            end.send(made).await.unwrap();
        } else {
            tokio::spawn(create_chain(end, left - 1, made + 1));
        }
    })
}

async fn create_chains(r: &mut Recorder, chains: i64) {
    let each = r.count(300_000) / chains;
    let (sender, mut end) = mpsc::channel(1);
    let start = Instant::now();
    for _ in 0..chains {
        tokio::spawn(create_chain(sender.clone(), each, 0));
    }
    let mut made = 0;
    for _ in 0..chains {
        made += end.recv().await.unwrap();
    }
    r.record_each(start, each * chains);
    r.check(made, each * chains, "tasks made");
}

async fn create_capture(r: &mut Recorder) {
    const BATCH: i64 = 4;
    let times = r.count(100_000);
    let mut seen = 0;
    let start = Instant::now();
    for k in 0..times {
        let all: [JoinHandle<i64>; BATCH as usize] =
            std::array::from_fn(|_| tokio::spawn(async move { k }));
        for each in all {
            seen += each.await.unwrap();
        }
    }
    r.record_each(start, times * BATCH);
    r.check(seen, BATCH * sum_below(times), "sum of what was captured");
}

async fn create_single(r: &mut Recorder) {
    let times = r.count(100_000);
    let start = Instant::now();
    let all = together(times, |i| async move { i }).await;
    r.record_each(start, times);
    r.check(all.iter().sum(), sum_below(times), "sum of the numbers");
}

async fn ping_pong_hog(r: &mut Recorder) {
    let times = r.count(100_000);
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = stop.clone();
    let hog = tokio::spawn(async move {
        let mut x = 1;
        while !stopped.load(Ordering::Relaxed) {
            x = std::hint::black_box(grind(x, 1_000));
            yield_now().await;
        }
    });
    let (ping, mut pinged) = mpsc::channel::<i64>(1);
    let (pong, mut ponged) = mpsc::channel::<i64>(1);
    let echo = tokio::spawn(async move {
        for _ in 0..times {
            let v = pinged.recv().await.unwrap();
            pong.send(v + 1).await.unwrap();
        }
    });
    let mut sum = 0;
    let start = Instant::now();
    for i in 0..times {
        ping.send(i).await.unwrap();
        sum += ponged.recv().await.unwrap();
    }
    r.record_each(start, times);
    stop.store(true, Ordering::SeqCst);
    hog.await.unwrap();
    echo.await.unwrap();
    r.check(sum, times * (times + 1) / 2, "sum of the echoes");
}

/// A channel for each direction, since a receiver cannot be shared.
async fn wake_after(r: &mut Recorder, us: u64) {
    let times = r.count(500);
    let (d, more) = (Duration::from_micros(us), Duration::from_micros(us + 5));
    let (to_0, at_0) = mpsc::channel::<i64>(1);
    let (to_1, at_1) = mpsc::channel::<i64>(1);
    let start = Instant::now();
    let play = |me: i64, to: mpsc::Sender<i64>, mut at: mpsc::Receiver<i64>| {
        tokio::spawn(async move {
            let mut sum = 0;
            for i in 0..times {
                if i % 2 == me {
                    spin(d);
                    sum += at.recv().await.unwrap();
                } else {
                    spin(more);
                    to.send(i).await.unwrap();
                }
            }
            sum
        })
    };
    let both = (play(0, to_1, at_0), play(1, to_0, at_1));
    let sum = both.0.await.unwrap() + both.1.await.unwrap();
    r.record(start.elapsed().as_secs_f64() * 1e6 / times as f64, "us");
    r.check(sum, sum_below(times), "sum of the values");
}

/// Four tasks for each processor that compute in slices of 20 us, until they are told to stop.
pub struct Load {
    stop: Arc<AtomicBool>,
    all: Vec<JoinHandle<()>>,
}

impl Load {
    pub fn start(procs: usize) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let one = |_| {
            let stop = stop.clone();
            tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    spin(Duration::from_micros(20));
                    yield_now().await;
                }
            })
        };
        let all = (0..4 * procs).map(one).collect();
        Load { stop, all }
    }
    pub async fn end(self) {
        self.stop.store(true, Ordering::SeqCst);
        for each in self.all {
            each.await.unwrap();
        }
    }
}

async fn wake_under_load(r: &mut Recorder) {
    let times = r.count(1_000);
    let (sender, mut receiver) = mpsc::channel::<Instant>(1);
    let receiving = tokio::spawn(async move {
        let mut late_us = Vec::new();
        while let Some(sent) = receiver.recv().await {
            late_us.push(sent.elapsed().as_secs_f64() * 1e6);
        }
        late_us
    });
    let load = Load::start(r.procs);
    for _ in 0..times {
        sender.send(Instant::now()).await.unwrap();
        spin(Duration::from_micros(20));
        yield_now().await;
    }
    load.end().await;
    drop(sender);
    let late_us = receiving.await.unwrap();
    r.check(late_us.len() as i64, times, "wake-ups");
    r.record_percentiles(late_us, "us");
}
