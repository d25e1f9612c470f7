//! What these do is told in bench/micro/programs and bench/harness/work.hpp.

use crate::harness::{Recorder, Registry, together};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::Instant;
use tokio::sync::mpsc;

pub fn register(all: &mut Registry) {
    all.add("chain_10000", |r| Box::pin(chain(r)));
    all.add("n_queens_12", |r| Box::pin(n_queens(r)));
    all.add("matrix_product", |r| Box::pin(matrix_product(r)));
    all.add("prime_sieve_5000", |r| Box::pin(prime_sieve(r)));
    all.add("word_count", |r| Box::pin(word_count(r)));
    all.add("mandelbrot", |r| Box::pin(mandelbrot(r)));
}

async fn chain(r: &mut Recorder) {
    let links = r.count(10_000);
    let start = Instant::now();
    let (mut last, mut first) = mpsc::channel::<i64>(1);
    for _ in 0..links {
        let (sender, mut next) = mpsc::channel::<i64>(1);
        let out = std::mem::replace(&mut last, sender);
        tokio::spawn(async move {
            let v = next.recv().await.unwrap();
            out.send(v + 1).await.unwrap();
        });
    }
    tokio::spawn(async move { last.send(0).await });
    let sum = first.recv().await.unwrap();
    r.record_each(start, links);
    r.check(sum, links, "additions");
}

fn count_queens(size: u32, row: u32, columns: u32, left: u32, right: u32) -> i64 {
    if row == size {
        return 1;
    }
    let free = |at: &u32| (columns | left | right) & at == 0;
    (0..size)
        .map(|c| 1 << c)
        .filter(free)
        .map(|at| count_queens(size, row + 1, columns | at, (left | at) << 1, (right | at) >> 1))
        .sum()
}

type Placed = Pin<Box<dyn Future<Output = ()> + Send>>;

fn place(found: mpsc::Sender<i64>, size: u32, row: u32, attacked: (u32, u32, u32)) -> Placed {
    Box::pin(async move {
        let (columns, left, right) = attacked;
        if row == size.min(3) {
            return found.send(count_queens(size, row, columns, left, right)).await.unwrap();
        }
        let (sender, mut mine) = mpsc::channel(size as usize);
        for c in 0..size {
            let at = 1 << c;
            if (columns | left | right) & at == 0 {
                let next = (columns | at, (left | at) << 1, (right | at) >> 1);
                tokio::spawn(place(sender.clone(), size, row + 1, next));
            }
        }
        drop(sender);
        let mut ways = 0;
        while let Some(more) = mine.recv().await {
            ways += more;
        }
        found.send(ways).await.unwrap();
    })
}

async fn n_queens(r: &mut Recorder) {
    let size = r.count(12) as u32;
    let (sender, mut found) = mpsc::channel(1);
    let start = Instant::now();
    place(sender, size, 0, (0, 0, 0)).await;
    let ways = found.recv().await.unwrap();
    r.record_ms(start);
    r.check(ways, count_queens(size, 0, 0, 0, 0), "ways");
}

async fn matrix_product(r: &mut Recorder) {
    let size = r.count(300) as usize;
    let a: Arc<[i64]> = (0..size * size).map(|i| i as i64 % 7).collect();
    let b: Arc<[i64]> = (0..size * size).map(|i| i as i64 % 11).collect();
    let start = Instant::now();
    let rows = together(size as i64, |row| {
        let (a, b) = (a.clone(), b.clone());
        async move {
            let mut out = vec![0i64; size];
            for k in 0..size {
                let factor = a[row as usize * size + k];
                for (cell, other) in out.iter_mut().zip(&b[k * size..(k + 1) * size]) {
                    *cell += factor * other;
                }
            }
            out
        }
    })
    .await;
    r.record_ms(start);
    r.note(rows.iter().flatten().sum());
}

async fn prime_sieve(r: &mut Recorder) {
    let limit = r.count(48_611);
    let start = Instant::now();
    let (numbers, mut inlet) = mpsc::channel::<i64>(1);
    tokio::spawn(async move {
        for v in 2..=limit {
            numbers.send(v).await.unwrap();
        }
    });
    let mut sum = 0;
    while let Some(prime) = inlet.recv().await {
        sum += prime;
        let (out, next) = mpsc::channel::<i64>(1);
        let mut before = std::mem::replace(&mut inlet, next);
        tokio::spawn(async move {
            while let Some(v) = before.recv().await {
                if v % prime != 0 {
                    out.send(v).await.unwrap();
                }
            }
        });
    }
    r.record_ms(start);
    r.note(sum);
}

fn make_text(size: usize) -> Vec<u8> {
    let mut text = Vec::with_capacity(size + 8);
    let mut state = 1u64;
    while text.len() < size {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        let random = state >> 33;
        let mut word = (random & 0xffff) % (1 + (random >> 16 & 0x3fff));
        loop {
            text.push(b'a' + (word % 26) as u8);
            word /= 26;
            if word == 0 {
                break;
            }
        }
        text.push(b' ');
    }
    text
}

const WORD_SLOTS: usize = 1 << 14;

fn count_words(text: &[u8]) -> Vec<u32> {
    const BASIS: u32 = 2166136261;
    let mut counts = vec![0; WORD_SLOTS];
    let mut hash = BASIS;
    for letter in text {
        if *letter != b' ' {
            hash = (hash ^ *letter as u32).wrapping_mul(16777619);
            continue;
        }
        counts[hash as usize % WORD_SLOTS] += 1;
        hash = BASIS;
    }
    counts
}

async fn word_count(r: &mut Recorder) {
    const PARTS: usize = 64;
    static TEXT: OnceLock<Vec<u8>> = OnceLock::new();
    let size = r.count(16_000_000) as usize;
    let text: &'static [u8] = TEXT.get_or_init(|| make_text(size));
    let (sender, mut counted) = mpsc::channel(1);
    let start = Instant::now();
    let mut begin = 0;
    for i in 1..=PARTS {
        let mut end = text.len() * i / PARTS;
        while end > begin && text[end - 1] != b' ' {
            end -= 1;
        }
        let (sender, part) = (sender.clone(), &text[begin..end]);
        tokio::spawn(async move { sender.send(count_words(part)).await });
        begin = end;
    }
    let mut all = vec![0u64; WORD_SLOTS];
    for _ in 0..PARTS {
        for (sum, n) in all.iter_mut().zip(counted.recv().await.unwrap()) {
            *sum += n as u64;
        }
    }
    r.record_ms(start);
    let number: u64 = all.iter().sum();
    let weighted: u64 = all.iter().zip(0..).map(|(n, k)| n * k).sum();
    r.check(number as i64, text.iter().filter(|c| **c == b' ').count() as i64, "words");
    r.note(weighted as i64);
}

fn mandelbrot_row(y: i64, size: i64) -> i64 {
    const ONE: i64 = 1 << 28;
    let ci = 2 * ONE * y / size - ONE;
    let mut steps = 0;
    for x in 0..size {
        let cr = 3 * ONE * x / size - 2 * ONE;
        let (mut zr, mut zi) = (0i64, 0i64);
        for _ in 0..200 {
            let (rr, ii) = (zr * zr >> 28, zi * zi >> 28);
            if rr + ii > 4 * ONE {
                break;
            }
            zi = (zr * zi >> 27) + ci;
            zr = rr - ii + cr;
            steps += 1;
        }
    }
    steps
}

async fn mandelbrot(r: &mut Recorder) {
    let size = r.count(400);
    let start = Instant::now();
    let rows = together(size, |y| async move { mandelbrot_row(y, size) }).await;
    r.record_ms(start);
    r.note(rows.iter().sum());
}
