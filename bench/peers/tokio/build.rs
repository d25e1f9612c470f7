//! Tells the program which Tokio it is built with.

fn main() {
    let lock = std::fs::read_to_string("Cargo.lock").expect("Cargo.lock");
    let mut lines = lock.lines().skip_while(|line| *line != "name = \"tokio\"");
    let version = lines.nth(1).and_then(|line| line.split('"').nth(1)).unwrap_or("?");
    println!("cargo:rustc-env=TOKIO_VERSION={version}");
    println!("cargo:rerun-if-changed=Cargo.lock");
}
