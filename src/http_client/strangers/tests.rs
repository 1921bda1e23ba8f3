use super::*;
use crate::http_client::tests::server as tls_server;
use reqwest::header::HeaderValue;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Longer than any test takes where nothing is amiss.
const LONG: Duration = Duration::from_secs(60);
/// What a test waits out.
const SHORT: Duration = Duration::from_millis(300);

fn listed(networks: &[&str], hosts: &[&str]) -> PrivateTargets {
    PrivateTargets {
        networks: networks.iter().map(|text| text.parse().unwrap()).collect(),
        hosts: hosts.iter().map(|text| (*text).to_owned()).collect(),
    }
}

fn this_machine() -> PrivateTargets {
    listed(&["127.0.0.0/8"], &[])
}

fn everything() -> PrivateTargets {
    listed(&["0.0.0.0/0", "::/0"], &["localhost", "a.localhost"])
}

/// A client whose names are resolved as they are for everybody.
fn client(private: PrivateTargets, whole: Duration) -> Strangers {
    let mut client = Strangers::new(private);
    client.whole = whole;
    client
}

/// A client that is told other addresses each time it asks: the last of them for ever.
fn told(private: PrivateTargets, answers: &'static [&[&str]]) -> (Strangers, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let look_up = move |_: String| {
        let turn = count.fetch_add(1, Ordering::SeqCst);
        let answer = answers[turn.min(answers.len() - 1)];
        let addresses = answer.iter().map(|text| text.parse().unwrap());
        let addresses: Vec<IpAddr> = addresses.collect();
        Box::pin(async move { Ok(addresses) }) as Pin<Box<dyn Future<Output = _> + Send>>
    };
    let guard = Guard {
        private: Arc::new(private),
        look_up: Arc::new(look_up),
    };
    (Strangers::with(guard, webpki_roots(), LONG), asked)
}

fn target(url: &str) -> Target {
    Target::parse(url, &everything()).unwrap()
}

async fn post(client: &Strangers, url: &str) -> Result<(), PostFault> {
    client.post(&target(url), HeaderMap::new(), "{}").await
}

async fn listener() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

/// Whether nobody has connected: whoever has is in the kernel's queue.
fn nobody_came(listener: TcpListener) -> bool {
    let listener = listener.into_std().unwrap();
    matches!(listener.accept(), Err(error) if error.kind() == io::ErrorKind::WouldBlock)
}

/// Reads one request, its body of two bytes too.
async fn request(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    while !text.ends_with(b"{}") {
        let read = stream.read_buf(&mut text).await.unwrap();
        assert!(read > 0, "the request is whole");
    }
    String::from_utf8(text).unwrap()
}

/// A server that says `answer` to one request, and then does as `then` says.
async fn server<F>(
    answer: impl Into<String>,
    then: impl FnOnce(TcpStream) -> F + Send + 'static,
) -> (String, JoinHandle<String>)
where
    F: Future<Output = ()> + Send,
{
    let (listener, port) = listener().await;
    let answer = answer.into();
    let served = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let heard = request(&mut stream).await;
        stream.write_all(answer.as_bytes()).await.unwrap();
        then(stream).await;
        heard
    });
    (format!("http://127.0.0.1:{port}/hook"), served)
}

async fn close(mut stream: TcpStream) {
    let _ = stream.shutdown().await;
}

/// Holds the connection until the other side lets go of it.
async fn hold(mut stream: TcpStream) {
    let _ = stream.read(&mut [0; 16]).await;
}

#[tokio::test]
async fn nothing_on_this_machine_is_connected_to_however_it_is_written() {
    let (listener, port) = listener().await;
    let client = client(PrivateTargets::default(), LONG);
    for host in [
        "localhost",
        "localhost.",
        "a.localhost",
        "127.0.0.1",
        "127.0.0.1.",
        "127.1",
        "0x7f000001",
        "2130706433",
        "0177.0.0.1",
        "0.0.0.0",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
    ] {
        for scheme in ["http", "https"] {
            let url = format!("{scheme}://{host}:{port}/");
            assert!(Target::parse(&url, &client.private).is_err(), "{url}");
            // And where somebody took it all the same.
            assert_eq!(
                post(&client, &url).await,
                Err(PostFault::NotPublic),
                "{url}"
            );
        }
    }
    assert!(nobody_came(listener));
}

#[tokio::test]
async fn a_name_that_leads_to_this_machine_is_not_connected_to() {
    let (listener, port) = listener().await;
    let guard = Guard {
        private: Arc::new(PrivateTargets::default()),
        look_up: Arc::new(|_| Box::pin(system("localhost".into()))),
    };
    let client = Strangers::with(guard, webpki_roots(), LONG);
    let answer = post(&client, &format!("https://hooks.example.com:{port}/")).await;
    assert_eq!(answer, Err(PostFault::NotPublic));
    assert!(nobody_came(listener));
}

#[tokio::test]
async fn one_private_address_among_public_ones_is_reason_enough_to_stay_away() {
    let (listener, port) = listener().await;
    let url = format!("https://hooks.example.com:{port}/");
    const ANSWERS: [&[&[&str]]; 3] = [
        &[&["93.184.215.14", "127.0.0.1"]],
        &[&["127.0.0.1", "93.184.215.14"]],
        &[&["2606:2800:21f::1", "::ffff:127.0.0.1"]],
    ];
    for answers in ANSWERS {
        let (client, asked) = told(PrivateTargets::default(), answers);
        assert_eq!(post(&client, &url).await, Err(PostFault::NotPublic));
        assert_eq!(asked.load(Ordering::SeqCst), 1);
    }
    assert!(nobody_came(listener));
}

#[tokio::test]
async fn a_name_that_leads_elsewhere_the_second_time_is_looked_at_the_second_time() {
    let (listener, port) = listener().await;
    // 127.0.0.1 stands for the public internet, and 127.0.0.2 for what is not.
    let (client, asked) = told(
        listed(&["127.0.0.1/32"], &[]),
        &[&["127.0.0.1"], &["127.0.0.2"]],
    );
    let url = format!("https://hooks.example.com:{port}/");
    let serve = async {
        let (stream, _) = listener.accept().await.unwrap();
        assert_eq!(stream.local_addr().unwrap().ip().to_string(), "127.0.0.1");
    };
    // It is connected to, and lets go before any TLS.
    let (first, ()) = tokio::join!(post(&client, &url), serve);
    assert_ne!(first, Err(PostFault::NotPublic));
    assert_eq!(
        asked.load(Ordering::SeqCst),
        1,
        "it is asked once and no more"
    );
    assert_eq!(post(&client, &url).await, Err(PostFault::NotPublic));
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    assert!(nobody_came(listener));
}

#[tokio::test]
async fn a_listed_network_is_reached_with_what_was_sent() {
    let (url, served) = server("HTTP/1.1 204 No Content\r\n\r\n", close).await;
    let mut headers = HeaderMap::new();
    headers.insert("GS1-Signature", HeaderValue::from_static("t=1,v1=00"));
    let client = client(this_machine(), LONG);
    assert_eq!(client.post(&target(&url), headers, "{}").await, Ok(()));
    let heard = served.await.unwrap();
    assert!(heard.starts_with("POST /hook HTTP/1.1\r\n"), "{heard}");
    assert!(heard.contains("gs1-signature: t=1,v1=00\r\n"), "{heard}");
}

#[tokio::test]
async fn a_listed_host_is_reached_by_its_name_and_not_by_its_address() {
    let (url, served) = server("HTTP/1.1 200 OK\r\n\r\n", close).await;
    let client = client(listed(&[], &["localhost"]), LONG);
    assert_eq!(post(&client, &url).await, Err(PostFault::NotPublic));
    // It may lead to ::1 first, where nobody listens.
    let named = url.replace("127.0.0.1", "LocalHost");
    assert_eq!(post(&client, &named).await, Ok(()));
    served.await.unwrap();
}

#[tokio::test]
async fn no_proxy_of_the_environment_is_asked() {
    const CHILD: &str = "http_client::strangers::tests::\
        a_listed_network_is_reached_with_what_was_sent";
    let (listener, port) = listener().await;
    let proxy = format!("http://127.0.0.1:{port}");
    let mut child = tokio::process::Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", CHILD]);
    for name in [
        "http_proxy",
        "HTTP_PROXY",
        "https_proxy",
        "ALL_PROXY",
        "all_proxy",
    ] {
        child.env(name, &proxy);
    }
    let out = child.env("no_proxy", "").output().await.unwrap();
    let said = String::from_utf8_lossy(&out.stdout);
    assert!(out.status.success() && said.contains("1 passed"), "{said}");
    assert!(nobody_came(listener));
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_leads_nowhere() {
    let (elsewhere, port) = listener().await;
    for status in [301, 302, 303, 307, 308] {
        let answer = format!(
            "HTTP/1.1 {status} Elsewhere\r\nLocation: http://127.0.0.1:{port}/\r\n\
             Content-Length: 0\r\n\r\n"
        );
        let (url, served) = server(answer, close).await;
        let answer = post(&client(this_machine(), LONG), &url).await;
        assert_eq!(answer, Err(PostFault::Status(status)));
        served.await.unwrap();
    }
    assert!(nobody_came(elsewhere));
}

#[tokio::test]
async fn only_a_status_of_success_is_one() {
    for (status, expected) in [
        (200, Ok(())),
        (202, Ok(())),
        (299, Ok(())),
        (300, Err(PostFault::Status(300))),
        (410, Err(PostFault::Status(410))),
        (500, Err(PostFault::Status(500))),
    ] {
        let answer = format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n");
        let (url, served) = server(answer, close).await;
        assert_eq!(post(&client(this_machine(), LONG), &url).await, expected);
        served.await.unwrap();
    }
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_not_waited_for() {
    for beginning in ["", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"] {
        let (url, served) = server(beginning, hold).await;
        let answer = post(&client(this_machine(), SHORT), &url).await;
        assert_eq!(answer, Err(PostFault::TimedOut), "{beginning:?}");
        served.await.unwrap();
    }
}

#[tokio::test]
async fn a_header_that_comes_byte_by_byte_is_not_waited_for() {
    let (url, served) = server("HTTP/1.1 200 OK\r\nX: ", |mut stream| async move {
        let mut every = tokio::time::interval(Duration::from_millis(5));
        while stream.write_all(b"x").await.is_ok() {
            every.tick().await;
        }
    })
    .await;
    let answer = post(&client(this_machine(), SHORT), &url).await;
    assert_eq!(answer, Err(PostFault::TimedOut));
    served.await.unwrap();
}

#[tokio::test]
async fn a_body_that_does_not_come_keeps_nobody_and_changes_nothing() {
    for (status, expected) in [("200 OK", Ok(())), ("500 No", Err(PostFault::Status(500)))] {
        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 5\r\n\r\n12");
        let (url, served) = server(answer, hold).await;
        assert_eq!(post(&client(this_machine(), SHORT), &url).await, expected);
        served.await.unwrap();
    }
}

#[tokio::test]
async fn a_body_without_end_is_left_alone_after_its_first_part() {
    // More than all buffers between the two hold: whoever can send this much was read from.
    const CHUNKS: usize = 64 << 8;
    let sent = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&sent);
    let answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let (url, served) = server(answer, |mut stream| async move {
        let chunk = format!("1000\r\n{}\r\n", "x".repeat(0x1000));
        for _ in 0..CHUNKS {
            if stream.write_all(chunk.as_bytes()).await.is_err() {
                return;
            }
            count.fetch_add(1, Ordering::SeqCst);
        }
    })
    .await;
    assert_eq!(post(&client(this_machine(), LONG), &url).await, Ok(()));
    served.await.unwrap();
    assert!(sent.load(Ordering::SeqCst) < CHUNKS);
}

#[tokio::test]
async fn a_header_without_end_is_no_answer() {
    let (url, served) = server("HTTP/1.1 200 OK\r\n", |mut stream| async move {
        while stream.write_all(b"X-Header: value\r\n").await.is_ok() {}
    })
    .await;
    let answer = post(&client(this_machine(), LONG), &url).await;
    assert_eq!(answer, Err(PostFault::BrokenOff));
    served.await.unwrap();
}

#[tokio::test]
async fn what_is_no_http_is_no_answer() {
    for answer in ["", "220 mail.example.com ESMTP\r\n", "HTTP/1.1 abc\r\n\r\n"] {
        let (url, served) = server(answer, close).await;
        let answer = post(&client(this_machine(), LONG), &url).await;
        assert_eq!(answer, Err(PostFault::BrokenOff));
        served.await.unwrap();
    }
}

#[tokio::test]
async fn a_port_where_nobody_listens_takes_no_connection() {
    let (listener, port) = listener().await;
    drop(listener);
    let url = format!("http://127.0.0.1:{port}/");
    let answer = post(&client(this_machine(), LONG), &url).await;
    assert_eq!(answer, Err(PostFault::NoConnection));
}

#[tokio::test]
async fn a_name_without_an_address_and_one_that_is_never_resolved_are_told_apart() {
    let (client, _) = told(this_machine(), &[&[]]);
    let url = "https://hooks.example.com/";
    assert_eq!(post(&client, url).await, Err(PostFault::NoSuchHost));
    let guard = Guard {
        private: Arc::default(),
        look_up: Arc::new(|_| Box::pin(std::future::pending())),
    };
    let client = Strangers::with(guard, webpki_roots(), SHORT);
    assert_eq!(post(&client, url).await, Err(PostFault::TimedOut));
}

#[tokio::test]
async fn a_certificate_is_looked_at_on_the_own_network_too() {
    let (url, certificate) = tls_server().await;
    let guard = Guard {
        private: Arc::new(listed(&[], &["localhost"])),
        look_up: Arc::new(|name| Box::pin(system(name))),
    };
    let strict = Strangers::with(guard.clone(), webpki_roots(), LONG);
    assert_eq!(post(&strict, &url).await, Err(PostFault::NoTls));
    let plain = url.replace("https", "http");
    assert_eq!(post(&strict, &plain).await, Err(PostFault::BrokenOff));
    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    let trusting = Strangers::with(guard, roots, LONG);
    assert_eq!(post(&trusting, &url).await, Ok(()));
    // And who speaks no TLS has none.
    let (listener, port) = listener().await;
    let serve = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
        stream
    };
    let url = format!("https://localhost:{port}/");
    let (answer, _stream) = tokio::join!(post(&trusting, &url), serve);
    assert_eq!(answer, Err(PostFault::NoTls));
}
