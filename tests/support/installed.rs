//! What others have made and `scripts/clients` installed.

use std::path::{Path, PathBuf};

/// The files that say what exactly, as they were when it was installed.
const PINS: &str = concat!(
    include_str!("../clients/requirements.txt"),
    include_str!("../../scripts/clients")
);

/// A file of it, which must be what is pinned today.
pub fn installed(name: &str) -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let tools = target.join("tools/clients");
    let pins = std::fs::read_to_string(tools.join("pins")).unwrap_or_default();
    let is_todays = pins.trim_end() == PINS.trim_end();
    assert!(is_todays, "run scripts/clients first");
    tools.join(name)
}
