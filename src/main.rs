//! The `rootmark` program.

fn main() {}
