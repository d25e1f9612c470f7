//! The work of weft-bench in Tokio, under the same names, with the same options and the same
//! output, so that one script can compare them. `--current-thread`: on the runtime of one thread.

mod channels;
mod harness;
mod memory;
mod programs;
mod scheduler;
mod select;
mod sync;
mod timers;

use harness::{Options, Registry};

fn main() {
    let options = Options::parse();
    let mut all = Registry::default();
    if options.memory {
        memory::register(&mut all);
    } else {
        channels::register(&mut all, options.procs);
        programs::register(&mut all);
        scheduler::register(&mut all);
        select::register(&mut all, options.procs);
        sync::register(&mut all);
        timers::register(&mut all);
    }
    std::process::exit(harness::run_all(&options, all));
}
