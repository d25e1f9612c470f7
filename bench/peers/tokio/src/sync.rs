//! What these do is told in bench/micro/sync. Tokio has no condition variable: a Notify does its
//! work.

use crate::harness::{Recorder, Registry, grind, together};
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::{Mutex, Notify, RwLock, Semaphore, mpsc};
use tokio::task::yield_now;

pub fn register(all: &mut Registry) {
    all.add("mutex_uncontended", |r| Box::pin(mutex_alone(r)));
    all.add("shared_mutex_read", |r| Box::pin(read_alone(r)));
    all.add("shared_mutex_write", |r| Box::pin(write_alone(r)));
    all.add("mutex_contended_8", |r| Box::pin(hammer(r, 500_000, false)));
    all.add("mutex_yield_inside_8", |r| Box::pin(hammer(r, 50_000, true)));
    all.add("semaphore_acquire_release", |r| Box::pin(semaphore_alone(r)));
    all.add("semaphore_contended_1", |r| Box::pin(semaphore(r, 1, 50_000, false)));
    all.add("semaphore_contended_4", |r| Box::pin(semaphore(r, 4, 50_000, false)));
    all.add("semaphore_handoff", |r| Box::pin(semaphore_handoff(r)));
    all.add("go_mutex_uncontended", |r| Box::pin(uncontended(r)));
    all.add("go_mutex", |r| Box::pin(contend(r, 1, 0)));
    all.add("go_mutex_slack", |r| Box::pin(contend(r, 10, 0)));
    all.add("go_mutex_work", |r| Box::pin(contend(r, 1, 100)));
    all.add("go_mutex_work_slack", |r| Box::pin(contend(r, 10, 100)));
    all.add("go_mutex_no_spin", |r| Box::pin(no_spin(r)));
    all.add("go_mutex_spin", |r| Box::pin(spin_best(r)));
    all.add("go_rwmutex_uncontended", |r| Box::pin(rwmutex_uncontended(r)));
    all.add("go_rwmutex_write_100", |r| Box::pin(read_and_write(r, 100, 0)));
    all.add("go_rwmutex_write_10", |r| Box::pin(read_and_write(r, 10, 0)));
    all.add("go_rwmutex_work_write_100", |r| Box::pin(read_and_write(r, 100, 100)));
    all.add("go_rwmutex_work_write_10", |r| Box::pin(read_and_write(r, 10, 100)));
    all.add("go_cond_1", |r| Box::pin(meet(r, 1)));
    all.add("go_cond_2", |r| Box::pin(meet(r, 2)));
    all.add("go_cond_4", |r| Box::pin(meet(r, 4)));
    all.add("go_cond_8", |r| Box::pin(meet(r, 8)));
    all.add("go_cond_16", |r| Box::pin(meet(r, 16)));
    all.add("go_cond_32", |r| Box::pin(meet(r, 32)));
}

async fn mutex_alone(r: &mut Recorder) {
    let times = r.count(5_000_000);
    let m = Mutex::new(0);
    let start = Instant::now();
    for _ in 0..times {
        *m.lock().await += 1;
    }
    r.record_each(start, times);
    r.check(m.into_inner(), times, "turns");
}

async fn read_alone(r: &mut Recorder) {
    let times = r.count(5_000_000);
    let m = RwLock::new(1);
    let mut n = 0;
    let start = Instant::now();
    for _ in 0..times {
        n += *m.read().await;
    }
    r.record_each(start, times);
    r.check(n, times, "turns");
}

async fn write_alone(r: &mut Recorder) {
    let times = r.count(5_000_000);
    let m = RwLock::new(0);
    let start = Instant::now();
    for _ in 0..times {
        *m.write().await += 1;
    }
    r.record_each(start, times);
    r.check(m.into_inner(), times, "turns");
}

async fn hammer(r: &mut Recorder, times_usual: i64, yields: bool) {
    const MANY: i64 = 8;
    let times = r.count(times_usual);
    let m = Arc::new(Mutex::new(0));
    let start = Instant::now();
    together(MANY, |_| {
        let m = m.clone();
        async move {
            for _ in 0..times {
                let mut n = m.lock().await;
                if yields {
                    yield_now().await;
                }
                *n += 1;
            }
        }
    })
    .await;
    r.record_each(start, times * MANY);
    let n = *m.lock().await;
    r.check(n, times * MANY, "turns");
}

async fn semaphore_alone(r: &mut Recorder) {
    let times = r.count(5_000_000);
    let s = Semaphore::new(10);
    let start = Instant::now();
    for _ in 0..times {
        drop(s.acquire().await.unwrap());
    }
    r.record_each(start, times);
    r.check((s.available_permits() == 10) as i64, 1, "all are free");
}

async fn hold_in_turns(permits: usize, times: i64, yields: bool) -> Arc<Semaphore> {
    let s = Arc::new(Semaphore::new(permits));
    together(8, |_| {
        let s = s.clone();
        async move {
            for _ in 0..times {
                let _permit = s.acquire().await.unwrap();
                if yields {
                    yield_now().await;
                }
            }
        }
    })
    .await;
    s
}

async fn semaphore(r: &mut Recorder, permits: usize, times_usual: i64, yields: bool) {
    let times = r.count(times_usual);
    let start = Instant::now();
    let s = hold_in_turns(permits, times, yields).await;
    r.record_each(start, 8 * times);
    let free = s.available_permits() == permits;
    r.check(if free { 8 * times } else { 0 }, 8 * times, "free again");
}

async fn semaphore_handoff(r: &mut Recorder) {
    semaphore(r, 1, 20_000, true).await;
}

async fn uncontended(r: &mut Recorder) {
    let procs = r.procs as i64;
    let each = r.count(5_000_000) / procs;
    let start = Instant::now();
    let turns = together(procs, |_| async move {
        let own = Mutex::new(0);
        for _ in 0..each {
            *own.lock().await += 1;
        }
        own.into_inner()
    })
    .await;
    r.record_each(start, each * procs);
    r.check(turns.iter().sum(), each * procs, "turns");
}

async fn contend(r: &mut Recorder, tasks_each: i64, work: i64) {
    let tasks = tasks_each * r.procs as i64;
    let each = r.count(1_000_000) / tasks;
    let m = Arc::new(Mutex::new(0));
    let start = Instant::now();
    together(tasks, |_| {
        let m = m.clone();
        async move {
            let mut x = 1;
            for _ in 0..each {
                *m.lock().await += 1;
                x = grind(x, work);
            }
            std::hint::black_box(x);
        }
    })
    .await;
    r.record_each(start, each * tasks);
    let n = *m.lock().await;
    r.check(n, each * tasks, "turns");
}

fn touch(data: &mut [u64]) {
    for word in data.iter_mut().step_by(4) {
        *word += 1;
    }
    std::hint::black_box(data);
}

async fn transfer(accounts: &Mutex<(i64, i64)>) {
    let mut a = accounts.lock().await;
    a.0 -= 100;
    a.1 += 100;
}

async fn no_spin(r: &mut Recorder) {
    let tasks = 4 * r.procs as i64;
    let each = r.count(100_000) / tasks;
    let accounts = Arc::new(Mutex::new((0, 0)));
    let start = Instant::now();
    together(tasks, |_| {
        let accounts = accounts.clone();
        async move {
            let (sender, mut receiver) = mpsc::channel::<i64>(1);
            let mut data = vec![0; 4_096 / 8];
            for k in 0..each {
                if k % 4 == 0 {
                    transfer(&accounts).await;
                    continue;
                }
                touch(&mut data);
                let sender = sender.clone();
                tokio::spawn(async move { sender.send(k).await });
                receiver.recv().await;
            }
        }
    })
    .await;
    r.record_each(start, each * tasks);
    let moved = accounts.lock().await.1;
    r.check(moved, 100 * tasks * ((each + 3) / 4), "moved");
}

async fn spin_best(r: &mut Recorder) {
    let procs = r.procs as i64;
    let each = r.count(100_000) / procs;
    let accounts = Arc::new(Mutex::new((0, 0)));
    let start = Instant::now();
    together(procs, |_| {
        let accounts = accounts.clone();
        async move {
            let mut data = vec![0; 16_384 / 8];
            for _ in 0..each {
                transfer(&accounts).await;
                touch(&mut data);
            }
        }
    })
    .await;
    r.record_each(start, each * procs);
    let moved = accounts.lock().await.1;
    r.check(moved, 100 * each * procs, "moved");
}

async fn rwmutex_uncontended(r: &mut Recorder) {
    let procs = r.procs as i64;
    let each = r.count(1_000_000) / procs;
    let start = Instant::now();
    let writes = together(procs, |_| async move {
        let own = RwLock::new(0);
        for _ in 0..each {
            let one = own.read().await;
            let two = own.read().await;
            drop(one);
            drop(two);
            *own.write().await += 1;
        }
        own.into_inner()
    })
    .await;
    r.record_each(start, each * procs);
    r.check(writes.iter().sum(), each * procs, "writes");
}

async fn read_and_write(r: &mut Recorder, write_every: i64, work: i64) {
    let procs = r.procs as i64;
    let each = r.count(1_000_000) / procs;
    let m = Arc::new(RwLock::new(0i64));
    let start = Instant::now();
    together(procs, |_| {
        let m = m.clone();
        async move {
            let mut x = 1;
            for k in 0..each {
                if k % write_every == 0 {
                    *m.write().await += 1;
                } else {
                    let n = m.read().await;
                    x = grind(x + (*n > 0) as u64, work);
                }
            }
            std::hint::black_box(x);
        }
    })
    .await;
    r.record_each(start, each * procs);
    let n = *m.read().await;
    r.check(n, procs * ((each + write_every - 1) / write_every), "writes");
}

async fn meet(r: &mut Recorder, waiters: i64) {
    let times = r.count(100_000 / waiters);
    let shared = Arc::new((Mutex::new((0, 0)), Notify::new()));
    let start = Instant::now();
    together(waiters + 1, |_| {
        let shared = shared.clone();
        async move {
            let (m, all_here) = &*shared;
            for k in 0..times {
                let mut state = m.lock().await;
                state.0 += 1;
                if state.0 == waiters + 1 {
                    state.0 = 0;
                    state.1 += 1;
                    all_here.notify_waiters();
                    continue;
                }
                while state.1 <= k {
                    let woken = all_here.notified(); // counts from here on, before the unlock
                    drop(state);
                    woken.await;
                    state = m.lock().await;
                }
            }
        }
    })
    .await;
    r.record_each(start, times);
    let meetings = shared.0.lock().await.1;
    r.check(meetings, times, "meetings");
}
