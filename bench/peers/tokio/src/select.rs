//! What these do is told in bench/micro/select; see channels.rs for what is left out.

use crate::harness::{Recorder, Registry, grind, sum_below, together};
use std::time::Instant;
use tokio::sync::{mpsc, oneshot};

type Receivers = Vec<mpsc::Receiver<i64>>;

pub fn register(all: &mut Registry, procs: usize) {
    all.add("select_ready_2", |r| Box::pin(one_ready::<2>(r)));
    all.add("select_ready_8", |r| Box::pin(one_ready::<8>(r)));
    all.add("select_block_2", |r| Box::pin(none_ready::<2>(r)));
    all.add("select_block_8", |r| Box::pin(none_ready::<8>(r)));
    all.add("go_select_uncontended", |r| Box::pin(uncontended(r)));
    all.add("go_select_nonblock", |r| Box::pin(nonblock(r)));
    if procs == 1 {
        all.add("go_select_sync_contended", |r| Box::pin(sync_contended(r)));
        all.add("go_select_async_contended", |r| Box::pin(uncontended(r)));
        all.add("go_select_prod_cons", |r| Box::pin(prod_cons(r)));
    }
}

async fn receive_any<const N: usize>(c: &mut Receivers) -> i64 {
    if N == 2 {
        let [a, b] = c.as_mut_slice() else { unreachable!() };
        tokio::select! {
            v = a.recv() => v.unwrap(),
            v = b.recv() => v.unwrap(),
        }
    } else {
        let [c0, c1, c2, c3, c4, c5, c6, c7] = c.as_mut_slice() else { unreachable!() };
        tokio::select! {
            v = c0.recv() => v.unwrap(),
            v = c1.recv() => v.unwrap(),
            v = c2.recv() => v.unwrap(),
            v = c3.recv() => v.unwrap(),
            v = c4.recv() => v.unwrap(),
            v = c5.recv() => v.unwrap(),
            v = c6.recv() => v.unwrap(),
            v = c7.recv() => v.unwrap(),
        }
    }
}

async fn one_ready<const N: usize>(r: &mut Recorder) {
    let times = r.count(400_000);
    let (senders, mut receivers): (Vec<_>, Receivers) = (0..N).map(|_| mpsc::channel(1)).unzip();
    let mut sum = 0;
    let start = Instant::now();
    for i in 0..times {
        senders[i as usize % N].send(i).await.unwrap();
        sum += receive_any::<N>(&mut receivers).await;
    }
    r.record_each(start, times);
    r.check(sum, sum_below(times), "sum of what was selected");
}

async fn none_ready<const N: usize>(r: &mut Recorder) {
    let times = r.count(200_000);
    let (senders, mut receivers): (Vec<_>, Receivers) = (0..N).map(|_| mpsc::channel(1)).unzip();
    // The senders live until the end: a closed channel would always be ready.
    let (end, ended) = oneshot::channel::<()>();
    tokio::spawn(async move {
        for i in 0..times {
            senders[i as usize % N].send(i).await.unwrap();
        }
        ended.await.ok();
    });
    let mut sum = 0;
    let start = Instant::now();
    for _ in 0..times {
        sum += receive_any::<N>(&mut receivers).await;
    }
    r.record_each(start, times);
    end.send(()).unwrap();
    r.check(sum, sum_below(times), "sum of what was selected");
}

async fn uncontended(r: &mut Recorder) {
    let procs = r.procs as i64;
    let each = r.count(500_000) / procs;
    let start = Instant::now();
    let tokens = together(procs, |_| async move {
        let (to_a, mut a) = mpsc::channel::<i64>(1);
        let (to_b, mut b) = mpsc::channel::<i64>(1);
        to_a.send(0).await.unwrap();
        let mut last = 0;
        for _ in 0..each {
            let to = tokio::select! {
                v = a.recv() => { last = v.unwrap() + 1; &to_b }
                v = b.recv() => { last = v.unwrap() + 1; &to_a }
            };
            to.send(last).await.unwrap();
        }
        last
    })
    .await;
    r.record_each(start, each * procs);
    r.check(tokens.iter().sum(), each * procs, "moves of the tokens");
}

async fn nonblock(r: &mut Recorder) {
    let procs = r.procs as i64;
    let each = r.count(500_000) / procs;
    let start = Instant::now();
    let done = together(procs, |_| async move {
        let (full_in, _full) = mpsc::channel::<i64>(1);
        full_in.try_send(0).unwrap();
        let (_empty_in, mut empty) = mpsc::channel::<i64>(1);
        let (sender, mut receiver) = mpsc::channel::<i64>(1);
        let mut mine = 0;
        for k in 0..each {
            mine += empty.try_recv().is_ok() as i64;
            mine += sender.try_send(k).is_ok() as i64;
            mine += receiver.try_recv().is_ok() as i64;
            mine += full_in.try_send(k).is_ok() as i64;
        }
        mine
    })
    .await;
    r.record_each(start, each * procs);
    r.check(done.iter().sum(), 2 * each * procs, "cases that proceeded");
}

async fn sync_contended(r: &mut Recorder) {
    let each = r.count(200_000);
    let (to_a, mut a) = mpsc::channel::<i64>(1);
    let (to_b, mut b) = mpsc::channel::<i64>(1);
    let (to_c, mut c) = mpsc::channel::<i64>(1);
    let (stop, mut stopped) = oneshot::channel::<()>();
    let start = Instant::now();
    let sender = tokio::spawn(async move {
        loop {
            tokio::select! {
                p = to_a.reserve() => p.unwrap().send(1),
                p = to_b.reserve() => p.unwrap().send(1),
                p = to_c.reserve() => p.unwrap().send(1),
                _ = &mut stopped => return,
            }
        }
    });
    let mut sum = 0;
    for _ in 0..each {
        sum += tokio::select! {
            v = a.recv() => v.unwrap(),
            v = b.recv() => v.unwrap(),
            v = c.recv() => v.unwrap(),
        };
    }
    r.record_each(start, each);
    stop.send(()).unwrap();
    sender.await.unwrap();
    r.check(sum, each, "values received");
}

async fn prod_cons(r: &mut Recorder) {
    const WORK: i64 = 100;
    let each = r.count(200_000);
    let (sender, mut items) = mpsc::channel::<i64>(128);
    let (_stop, mut stopped) = oneshot::channel::<()>();
    let (_stop_too, mut stopped_too) = oneshot::channel::<()>();
    let start = Instant::now();
    let producer = tokio::spawn(async move {
        let mut x = 1;
        for v in (0..=each).rev() {
            x = grind(x, WORK);
            tokio::select! {
                sent = sender.send(v) => sent.unwrap(),
                _ = &mut stopped => break,
            }
        }
        std::hint::black_box(x);
    });
    let consumer = tokio::spawn(async move {
        let (mut x, mut sum) = (1, 0);
        loop {
            tokio::select! {
                v = items.recv() => match v.unwrap() {
                    0 => break,
                    v => sum += v,
                },
                _ = &mut stopped_too => break,
            }
            x = grind(x, WORK);
        }
        std::hint::black_box(x);
        sum
    });
    producer.await.unwrap();
    let sum = consumer.await.unwrap();
    r.record_each(start, each);
    r.check(sum, each * (each + 1) / 2, "sum of the values");
}
