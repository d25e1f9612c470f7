//! Options, rounds, checks and output; see bench/harness for what they mean.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, Instant};

pub type BoxFuture<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;
pub type Body = for<'a> fn(&'a mut Recorder) -> BoxFuture<'a>;

#[derive(Default)]
pub struct Registry(BTreeMap<&'static str, Body>);

impl Registry {
    pub fn add(&mut self, name: &'static str, body: Body) {
        self.0.insert(name, body);
    }
}

#[derive(Clone, Default)]
pub struct Options {
    pub procs: usize,
    pub rounds: usize,
    pub no_warm_up: bool,
    pub list: bool,
    pub count: i64,
    pub only: String,
    pub json: String,
    pub memory: bool,
    pub current_thread: bool,
}

fn usage() -> ! {
    eprintln!(
        "usage: weftbench-tokio [--procs N] [--rounds N] [--only SUBSTRING | =NAME] [--json FILE]\n\
         \x20         [--list] [--no-warm-up] [--count N] [--memory] [--current-thread]"
    );
    std::process::exit(2);
}

impl Options {
    pub fn parse() -> Self {
        let mut o = Options { procs: 1, rounds: 7, ..Default::default() };
        let mut arguments = std::env::args().skip(1);
        while let Some(flag) = arguments.next() {
            let mut text = || arguments.next().unwrap_or_else(|| usage());
            let positive = |text: String| match text.parse::<i64>() {
                Ok(n) if n > 0 => n,
                _ => usage(),
            };
            match flag.as_str() {
                "--list" => o.list = true,
                "--no-warm-up" => o.no_warm_up = true,
                "--memory" => o.memory = true,
                "--current-thread" => o.current_thread = true,
                "--procs" => o.procs = positive(text()) as usize,
                "--rounds" => o.rounds = positive(text()) as usize,
                "--count" => o.count = positive(text()),
                "--only" => o.only = text(),
                "--json" => o.json = text(),
                _ => usage(),
            }
        }
        if o.memory {
            o.rounds = 1;
            o.no_warm_up = true;
        }
        o
    }

    fn wants(&self, name: &str) -> bool {
        match self.only.strip_prefix('=') {
            Some(just) => name == just,
            None => name.contains(&self.only),
        }
    }
}

/// The results of the rounds of one benchmark.
pub struct Recorder {
    benchmark: &'static str,
    pub procs: usize,
    count: i64,
    all: BTreeMap<String, (&'static str, Vec<f64>)>,
    checking: u64,
    checked: u64,
    told: bool,
    rounds: usize,
}

impl Recorder {
    fn new(benchmark: &'static str, o: &Options) -> Self {
        Recorder {
            benchmark,
            procs: o.procs,
            count: o.count,
            all: BTreeMap::new(),
            checking: 0,
            checked: 0,
            told: false,
            rounds: 0,
        }
    }

    /// How often to do it: `usual`, or less if --count says so.
    pub fn count(&self, usual: i64) -> i64 {
        usual.min(self.count_or(usual))
    }
    /// As --count says, even if that is more.
    pub fn count_or(&self, usual: i64) -> i64 {
        if self.count > 0 { self.count } else { usual }
    }
    pub fn record(&mut self, value: f64, unit: &'static str) {
        self.enter(self.benchmark.to_string(), value, unit);
    }
    pub fn record_as(&mut self, suffix: &str, value: f64, unit: &'static str) {
        self.enter(format!("{}_{suffix}", self.benchmark), value, unit);
    }
    pub fn record_each(&mut self, start: Instant, operations: i64) {
        self.record(start.elapsed().as_nanos() as f64 / operations as f64, "ns");
    }
    pub fn record_ms(&mut self, start: Instant) {
        self.record(start.elapsed().as_secs_f64() * 1e3, "ms");
    }
    /// The middle and the tail of what was measured many times.
    pub fn record_percentiles(&mut self, mut values: Vec<f64>, unit: &'static str) {
        values.sort_by(f64::total_cmp);
        for (suffix, share) in [("p50", 0.5), ("p99", 0.99), ("p999", 0.999)] {
            let value = values[(share * (values.len() - 1) as f64) as usize];
            self.record_as(suffix, value, unit);
        }
    }
    /// What the work came to. Ends the program if that is wrong.
    pub fn check(&mut self, actual: i64, wanted: i64, what: &str) {
        if actual != wanted {
            eprintln!("wrong result: {what} is {actual}, should be {wanted}");
            std::process::exit(1);
        }
        self.note(actual);
    }
    /// The same where only the peers know what is right.
    pub fn note(&mut self, actual: i64) {
        self.checking = self.checking.wrapping_add(actual as u64);
        self.told = true;
    }
    fn enter(&mut self, name: String, value: f64, unit: &'static str) {
        self.all.entry(name).or_insert_with(|| (unit, Vec::new())).1.push(value);
    }
    fn end_round(&mut self) {
        assert!(self.told, "{} does not say what it came to", self.benchmark);
        assert!(self.rounds == 0 || self.checking == self.checked, "the check of a round");
        (self.checked, self.checking, self.told) = (self.checking, 0, false);
        self.rounds += 1;
    }
    fn json(mut self) -> Vec<String> {
        let checked = self.checked;
        let line = |(name, (unit, samples)): (&String, &mut (&'static str, Vec<f64>))| {
            samples.sort_by(f64::total_cmp);
            let n = samples.len();
            let median = (samples[n / 2] + samples[(n - 1) / 2]) / 2.0;
            format!(
                "{{\"name\": \"{name}\", \"unit\": \"{unit}\", \"median\": {median}, \"min\": {}, \
                 \"max\": {}, \"check\": {checked}}}",
                samples[0],
                samples[n - 1]
            )
        };
        self.all.iter_mut().map(line).collect()
    }
}

fn build(o: &Options) -> tokio::runtime::Runtime {
    let mut builder = if o.current_thread {
        tokio::runtime::Builder::new_current_thread()
    } else {
        tokio::runtime::Builder::new_multi_thread()
    };
    builder.worker_threads(o.procs).enable_time().build().expect("a runtime")
}

async fn run_one(name: &'static str, body: Body, o: Options) -> Vec<String> {
    if !o.no_warm_up {
        body(&mut Recorder::new(name, &o)).await;
    }
    let mut r = Recorder::new(name, &o);
    for _ in 0..o.rounds {
        body(&mut r).await;
        r.end_round();
    }
    r.json()
}

pub fn run_all(o: &Options, all: Registry) -> i32 {
    let wanted = all.0.into_iter().filter(|(name, _)| o.wants(name));
    if o.list {
        wanted.for_each(|(name, _)| println!("{name}"));
        return 0;
    }
    let mut results = Vec::new();
    for (name, body) in wanted {
        // In a task: what block_on itself runs is not on a worker.
        let task = run_one(name, body, o.clone());
        let runtime = build(o);
        results.extend(runtime.block_on(async { tokio::spawn(task).await.expect("a result") }));
        runtime.shutdown_timeout(Duration::from_secs(1));
    }
    if results.is_empty() {
        eprintln!("no benchmark has '{}' in its name; --list names them all", o.only);
        return 2;
    }
    let text = format!(
        "{{\"program\": \"Tokio {}\", \"procs\": {}, \"results\": [\n  {}\n]}}",
        env!("TOKIO_VERSION"),
        o.procs,
        results.join(",\n  ")
    );
    match o.json.as_str() {
        "" | "-" => println!("{text}"),
        file => std::fs::write(file, text).expect("a file that can be written"),
    }
    0
}

/// Runs f(0), f(1), ... as n tasks at once; returns what they come to.
pub async fn together<T, F>(n: i64, f: impl Fn(i64) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let all: Vec<_> = (0..n).map(|i| tokio::spawn(f(i))).collect();
    let mut results = Vec::with_capacity(all.len());
    for each in all {
        results.push(each.await.expect("a task that ends well"));
    }
    results
}

/// `steps` of xorshift: about 1 ns each.
pub fn grind(mut x: u64, steps: i64) -> u64 {
    for _ in 0..steps {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
    }
    x
}

/// Keeps the processor busy for so long.
pub fn spin(d: Duration) {
    let end = Instant::now() + d;
    while Instant::now() < end {}
}

pub fn sum_below(n: i64) -> i64 {
    n * (n - 1) / 2
}
