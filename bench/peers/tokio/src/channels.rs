//! What these do is told in bench/micro/channels. Tokio's channels have one receiver and no
//! rendezvous: where others take an unbuffered channel, this takes one with room for one value,
//! and what needs two receivers is left out.

use crate::harness::{Recorder, Registry, grind, sum_below, together};
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::{Semaphore, mpsc, oneshot};

pub fn register(all: &mut Registry, procs: usize) {
    all.add("ping_pong", |r| Box::pin(ping_pong(r)));
    all.add("buffered_1p1c", |r| Box::pin(buffered(r)));
    all.add("unbounded_1p1c", |r| Box::pin(unbounded(r)));
    all.add("unbounded_send_recv", |r| Box::pin(unbounded_alone(r)));
    all.add("oneshot_make_send_recv", |r| Box::pin(one_shot(r)));
    all.add("go_chan_uncontended", |r| Box::pin(fill_and_empty(r)));
    all.add("go_chan_sem", |r| Box::pin(sem(r)));
    if procs == 1 {
        all.add("go_chan_contended", |r| Box::pin(fill_and_empty(r)));
        all.add("go_chan_prod_cons_0", |r| Box::pin(prod_cons(r, 1, 0)));
        all.add("go_chan_prod_cons_10", |r| Box::pin(prod_cons(r, 10, 0)));
        all.add("go_chan_prod_cons_100", |r| Box::pin(prod_cons(r, 100, 0)));
        all.add("go_chan_prod_cons_work_0", |r| Box::pin(prod_cons(r, 1, 100)));
        all.add("go_chan_prod_cons_work_10", |r| Box::pin(prod_cons(r, 10, 100)));
        all.add("go_chan_prod_cons_work_100", |r| Box::pin(prod_cons(r, 100, 100)));
    }
}

async fn ping_pong(r: &mut Recorder) {
    let trips = r.count(500_000);
    let (there, mut arrived) = mpsc::channel::<i64>(1);
    let (back, mut returned) = mpsc::channel::<i64>(1);
    let echo = tokio::spawn(async move {
        while let Some(v) = arrived.recv().await {
            back.send(v + 1).await.unwrap();
        }
    });
    let mut sum = 0;
    let start = Instant::now();
    for i in 0..trips {
        there.send(i).await.unwrap();
        sum += returned.recv().await.unwrap();
    }
    r.record_each(start, trips);
    drop(there);
    echo.await.unwrap();
    r.check(sum, trips * (trips + 1) / 2, "sum of the echoes");
}

async fn buffered(r: &mut Recorder) {
    let each = r.count(1_000_000);
    let (sender, mut receiver) = mpsc::channel::<i64>(100);
    let start = Instant::now();
    let consumer = tokio::spawn(async move {
        let mut sum = 0;
        while let Some(v) = receiver.recv().await {
            sum += v;
        }
        sum
    });
    let producer = tokio::spawn(async move {
        for v in 0..each {
            sender.send(v).await.unwrap();
        }
    });
    producer.await.unwrap();
    let sum = consumer.await.unwrap();
    r.record_each(start, each);
    r.check(sum, sum_below(each), "sum of the items");
}

async fn unbounded(r: &mut Recorder) {
    let times = r.count(1_000_000);
    let (sender, mut receiver) = mpsc::unbounded_channel::<i64>();
    let start = Instant::now();
    tokio::spawn(async move {
        for v in 0..times {
            sender.send(v).unwrap();
        }
    });
    let mut sum = 0;
    while let Some(v) = receiver.recv().await {
        sum += v;
    }
    r.record_each(start, times);
    r.check(sum, sum_below(times), "sum of the items");
}

async fn unbounded_alone(r: &mut Recorder) {
    let times = r.count(1_000_000);
    let (sender, mut receiver) = mpsc::unbounded_channel::<i64>();
    let mut sum = 0;
    let start = Instant::now();
    for v in 0..times {
        sender.send(v).unwrap();
        sum += receiver.recv().await.unwrap();
    }
    r.record_each(start, times);
    r.check(sum, sum_below(times), "sum of the items");
}

async fn one_shot(r: &mut Recorder) {
    let times = r.count(200_000);
    let mut sum = 0;
    let start = Instant::now();
    for v in 0..times {
        let (sender, receiver) = oneshot::channel::<i64>();
        sender.send(v).unwrap();
        sum += receiver.await.unwrap();
    }
    r.record_each(start, times);
    r.check(sum, sum_below(times), "sum of the items");
}

/// Both of Go's: with one processor the channel that is shared has one user.
async fn fill_and_empty(r: &mut Recorder) {
    const ROOM: i64 = 100;
    let fills = r.count(10_000);
    let procs = r.procs as i64;
    let start = Instant::now();
    let sums = together(procs, |_| async move {
        let (sender, mut receiver) = mpsc::channel::<i64>(ROOM as usize);
        let mut sum = 0;
        for _ in 0..fills {
            for v in 0..ROOM {
                sender.send(v).await.unwrap();
            }
            for _ in 0..ROOM {
                sum += receiver.recv().await.unwrap();
            }
        }
        sum
    })
    .await;
    r.record_each(start, fills * ROOM * procs);
    r.check(sums.iter().sum(), procs * fills * sum_below(ROOM), "sum of the values");
}

async fn sem(r: &mut Recorder) {
    let procs = r.procs as i64;
    let each = r.count(1_000_000) / procs;
    let permits = Arc::new(Semaphore::new(r.procs));
    let start = Instant::now();
    let taken = together(procs, |_| {
        let permits = permits.clone();
        async move {
            let mut mine = 0;
            for _ in 0..each {
                let _permit = permits.acquire().await.unwrap();
                mine += 1;
            }
            mine
        }
    })
    .await;
    r.record_each(start, each * procs);
    r.check(taken.iter().sum(), each * procs, "permits taken");
}

async fn prod_cons(r: &mut Recorder, room: usize, work: i64) {
    let each = r.count(200_000);
    let (sender, mut receiver) = mpsc::channel::<i64>(room);
    let start = Instant::now();
    let producer = tokio::spawn(async move {
        let mut x = 1;
        for v in (0..=each).rev() {
            x = grind(x, work);
            sender.send(v).await.unwrap();
        }
        std::hint::black_box(x);
    });
    let consumer = tokio::spawn(async move {
        let (mut x, mut sum) = (1, 0);
        loop {
            match receiver.recv().await.unwrap() {
                0 => break,
                v => sum += v,
            }
            x = grind(x, work);
        }
        std::hint::black_box(x);
        sum
    });
    producer.await.unwrap();
    let sum = consumer.await.unwrap();
    r.record_each(start, each);
    r.check(sum, each * (each + 1) / 2, "sum of the values");
}
