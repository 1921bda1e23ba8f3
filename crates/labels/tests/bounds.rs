//! Memory does not grow with the number of labels, and writing can be pulled through a channel.
//!
//! The only test of its binary that is large, so that the peak of the process is its own.

mod common;

use std::io::Write;
use std::sync::mpsc::{SyncSender, sync_channel};

use common::{push, rice, roll};
use labels::{Font, Sheets};

/// Hands everything on to another thread, as a response body would.
struct Channel(SyncSender<Vec<u8>>);

impl Write for Channel {
    fn write(&mut self, data: &[u8]) -> std::io::Result<usize> {
        self.0
            .send(data.to_vec())
            .map_err(|_| std::io::ErrorKind::BrokenPipe)?;
        Ok(data.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Peak of resident memory in kB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
#[cfg(target_os = "linux")]
fn a_hundred_thousand_pages_take_a_few_megabytes() {
    let font = Font::discover().unwrap();
    let before = peak();
    let (sender, receiver) = sync_channel(2);
    let reader = std::thread::spawn(move || {
        let mut largest = 0;
        let total: usize = receiver
            .iter()
            .map(|part: Vec<u8>| {
                largest = part.len().max(largest);
                part.len()
            })
            .sum();
        (total, largest)
    });
    let job = rice(roll(60.0, 40.0));
    let mut sheets = Sheets::begin(Channel(sender), &job, &font).unwrap();
    for number in 0..100_000 {
        push(&mut sheets, &job, number).unwrap();
    }
    drop(sheets.finish().unwrap());
    let (total, largest) = reader.join().unwrap();
    let grown = peak() - before;
    assert!(grown < 16_000, "{grown} kB more than before");
    assert!(largest < 512 * 1024, "{largest} bytes at once");
    assert!(total > 50_000_000, "{total} bytes in all");
}
