//! What these do is told in bench/micro/timers. Tokio's timers count whole milliseconds.

use crate::harness::{Recorder, Registry, together};
use crate::scheduler::Load;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;
use std::time::{Duration, Instant};
use tokio::time::{Sleep, sleep};

pub fn register(all: &mut Registry) {
    all.add("sleep_10us", |r| Box::pin(asked(r, 10)));
    all.add("sleep_50us", |r| Box::pin(asked(r, 50)));
    all.add("sleep_200us", |r| Box::pin(asked(r, 200)));
    all.add("sleep_storm", |r| Box::pin(storm(r)));
    all.add("sleep_under_load_late", |r| Box::pin(sleep_under_load(r)));
    all.add("go_timer_start_stop", |r| Box::pin(start_stop(r)));
    all.add("go_timer_reset", |r| Box::pin(reset(r)));
    all.add("go_timer_sleep", |r| Box::pin(sleep_crowd(r)));
    all.add("many_timers", |r| Box::pin(many(r)));
}

async fn asked(r: &mut Recorder, us: u64) {
    let times = r.count(200);
    let mut took_us = Vec::new();
    for _ in 0..times {
        let start = Instant::now();
        sleep(Duration::from_micros(us)).await;
        took_us.push(start.elapsed().as_secs_f64() * 1e6);
    }
    r.record(took_us.iter().sum::<f64>() / times as f64, "us");
    r.record_percentiles(took_us, "us");
    r.note(times);
}

/// CPU time of this process in milliseconds, from /proc, in the kernel's ticks of 10 ms.
fn cpu_ms() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("/proc/self/stat");
    let after_name = stat.rsplit(')').next().expect("fields");
    let ticks = |n: usize| after_name.split_whitespace().nth(n).unwrap().parse::<f64>().unwrap();
    (ticks(11) + ticks(12)) * 10.0
}

async fn storm(r: &mut Recorder) {
    let sleepers = r.count(100_000);
    let before = cpu_ms();
    let start = Instant::now();
    let woke = together(sleepers, |i| async move {
        sleep(Duration::from_millis(1 + i as u64 * 7919 % 100)).await;
        1
    })
    .await;
    r.record_as("wall", start.elapsed().as_secs_f64() * 1e3, "ms");
    r.record_as("cpu", cpu_ms() - before, "ms");
    r.check(woke.iter().sum(), sleepers, "woken");
}

async fn sleep_under_load(r: &mut Recorder) {
    let times = r.count(200);
    let mut late_us = Vec::new();
    let load = Load::start(r.procs);
    for _ in 0..times {
        let start = Instant::now();
        sleep(Duration::from_micros(500)).await;
        late_us.push(start.elapsed().as_secs_f64() * 1e6 - 500.0);
    }
    load.end().await;
    r.check(late_us.len() as i64, times, "sleeps");
    r.record_percentiles(late_us, "us");
}

/// A sleep starts when it is first polled.
async fn begin(timer: &mut Pin<Box<Sleep>>) -> i64 {
    poll_fn(|cx| Poll::Ready(timer.as_mut().poll(cx).is_pending() as i64)).await
}

async fn start_stop(r: &mut Recorder) {
    let procs = r.procs as i64;
    let each = r.count(300_000) / procs;
    let start = Instant::now();
    let stopped = together(procs, |_| async move {
        let mut stopped = 0;
        for _ in 0..each {
            stopped += begin(&mut Box::pin(sleep(Duration::from_secs(3_600)))).await;
        }
        stopped
    })
    .await;
    r.record_each(start, each * procs);
    r.check(stopped.iter().sum(), each * procs, "timers");
}

async fn reset(r: &mut Recorder) {
    let procs = r.procs as i64;
    let each = r.count(1_000_000) / procs;
    let hour = Duration::from_secs(3_600);
    let start = Instant::now();
    let pending = together(procs, |_| async move {
        let mut timer = Box::pin(sleep(hour));
        begin(&mut timer).await;
        let mut pending = 0;
        for _ in 0..each {
            pending += !timer.is_elapsed() as i64;
            timer.as_mut().reset(tokio::time::Instant::now() + hour);
        }
        pending
    })
    .await;
    r.record_each(start, each * procs);
    r.check(pending.iter().sum(), each * procs, "timers");
}

async fn sleep_crowd(r: &mut Recorder) {
    let procs = r.procs as i64;
    let each = r.count(20_000) / procs;
    let start = Instant::now();
    let woke = together(procs, |_| async move {
        let (mut woke, mut left) = (0, each);
        while left > 0 {
            let now = left.min(1_000);
            let slept = together(now, |_| async {
                sleep(Duration::from_nanos(1)).await;
                1
            });
            woke += slept.await.iter().sum::<i64>();
            left -= now;
        }
        woke
    })
    .await;
    r.record_each(start, each * procs);
    r.check(woke.iter().sum(), each * procs, "timers");
}

async fn many(r: &mut Recorder) {
    let number = r.count(100_000);
    let mut all = Vec::with_capacity(number as usize);
    let mut pending = 0;
    let start = Instant::now();
    for i in 0..number {
        let ms = 3_600_000 + i as u64 * 7919 % 32_400_000;
        let mut timer = Box::pin(sleep(Duration::from_millis(ms)));
        pending += begin(&mut timer).await;
        all.push(timer);
    }
    r.record_as("start", start.elapsed().as_nanos() as f64 / number as f64, "ns");
    let start = Instant::now();
    drop(all);
    r.record_as("stop", start.elapsed().as_nanos() as f64 / number as f64, "ns");
    r.check(pending, number, "timers stopped");
}
