//! What Postgres is started with.
//!
//! Everything is on the command line, which neither `postgresql.conf` nor `ALTER SYSTEM` overrides:
//! a promise that the product makes cannot be edited away by accident. Nothing here is secret.

use std::ffi::OsString;
use std::path::Path;

use super::find::Binaries;
use super::place::PORT;

const SETTINGS: &[(&str, &str)] = &[
    // An acknowledged capture is durable, and a torn page is repaired.
    ("fsync", "on"),
    ("synchronous_commit", "on"),
    ("full_page_writes", "on"),
    // Only the service's own machine, through a socket that only root and the cluster's user reach.
    ("listen_addresses", ""),
    ("unix_socket_permissions", "0700"),
    ("shared_buffers", "128MB"),
    // Bulk capture: checkpoints come by the clock, not every time a gigabyte has been written.
    ("max_wal_size", "2GB"),
    ("checkpoint_timeout", "15min"),
    // What people recorded must not leak into a log. Neither statements nor parameters are written,
    // and `terse` leaves out DETAIL and CONTEXT, which quote the failing row.
    ("log_statement", "none"),
    ("log_min_duration_statement", "-1"),
    ("log_min_error_statement", "panic"),
    ("log_parameter_max_length", "0"),
    ("log_parameter_max_length_on_error", "0"),
    ("log_error_verbosity", "terse"),
    // The log goes to the file that the service opens, and reads the same everywhere.
    ("log_destination", "stderr"),
    ("logging_collector", "off"),
    ("log_line_prefix", "%m [%p] "),
    ("lc_messages", "C"),
    ("log_timezone", "UTC"),
    ("timezone", "UTC"),
];

/// The whole command line, program first. Equal lines mean that a running Postgres is as good as a
/// newly started one.
pub(super) fn command_line(
    binaries: &Binaries,
    cluster: &Path,
    socket_dir: &Path,
    max_connections: u16,
) -> Vec<OsString> {
    let mut line = vec![binaries.dir.join("postgres").into_os_string()];
    line.extend(["-D".into(), cluster.as_os_str().to_owned()]);
    let (port, most) = (PORT.to_string(), max_connections.to_string());
    let own = [("port", port.as_str()), ("max_connections", most.as_str())];
    for (name, value) in SETTINGS.iter().copied().chain(own) {
        line.extend(["-c".into(), format!("{name}={value}").into()]);
    }
    line.extend(["-c".into(), socket_setting(socket_dir)]);
    line
}

/// The setting is a list: quotes keep a comma or a space in the path from ending it, and a quote is
/// written twice within them.
fn socket_setting(dir: &Path) -> OsString {
    let mut setting = OsString::from("unix_socket_directories=\"");
    for (n, part) in split_at_quotes(dir).enumerate() {
        if n > 0 {
            setting.push("\"\"");
        }
        setting.push(part);
    }
    setting.push("\"");
    setting
}

fn split_at_quotes(path: &Path) -> impl Iterator<Item = &std::ffi::OsStr> {
    use std::os::unix::ffi::OsStrExt;
    let bytes = path.as_os_str().as_bytes();
    bytes
        .split(|byte| *byte == b'"')
        .map(std::ffi::OsStr::from_bytes)
}
