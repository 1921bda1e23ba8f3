//! Progress of long work: a bar on a terminal, plain lines elsewhere.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// Plain lines come no faster than this.
const LINE_INTERVAL: Duration = Duration::from_secs(5);

/// Progress over a known number of things.
pub(super) struct Progress {
    bar: Option<ProgressBar>,
    what: &'static str,
    total: u64,
    done: u64,
    last_line: Instant,
}

impl Progress {
    pub fn new(what: &'static str, total: u64) -> Progress {
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template(
                "{msg} {bar:32} {human_pos}/{human_len} {per_sec} {eta}",
            );
            let bar = ProgressBar::new(total).with_message(what);
            bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        Progress {
            bar,
            what,
            total,
            done: 0,
            last_line: Instant::now(),
        }
    }

    pub fn add(&mut self, count: u64) {
        self.done += count;
        if let Some(bar) = &self.bar {
            bar.inc(count);
        } else if self.last_line.elapsed() >= LINE_INTERVAL {
            eprintln!("{}: {} of {}", self.what, self.done, self.total);
            self.last_line = Instant::now();
        }
    }

    pub fn finish(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}
