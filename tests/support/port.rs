//! Ports that stay a test's own while nobody listens at them.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU32, Ordering};

/// Below the ports that the system gives out by itself, to whoever connects and whoever asks for any:
/// <https://docs.kernel.org/networking/ip-sysctl.html>, `ip_local_port_range`.
const PORTS: std::ops::Range<u32> = 10_000..32_000;

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A port of this machine at which nobody listens. A service that was killed finds it free when it comes
/// back, which a port that the system chose may not be: any connection that is made meanwhile may get it.
pub fn own_port() -> u16 {
    // Test programs that run at the same time begin elsewhere.
    let first = std::process::id().wrapping_mul(97);
    for _ in PORTS {
        let next = first.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
        let port = (PORTS.start + next % (PORTS.end - PORTS.start)) as u16;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("somebody listens at every port");
}
