//! Writes the manual pages of all commands into a folder: `cargo run --example man -- man`.

fn main() -> std::io::Result<()> {
    let folder = std::env::args().nth(1).unwrap_or_else(|| "man".to_owned());
    std::fs::create_dir_all(&folder)?;
    clap_mangen::generate_to(flowrace::cli::command(), folder)
}
