//! Pages over connections that are kept open, without any client library's overhead, and a server that does nothing
//! but send one.

use std::net::SocketAddr;

use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use crate::common::Failure;

/// Reads one answer with a Content-Length, and gives that; anything but 200 and 304 is an error.
pub async fn read_answer(stream: &mut TcpStream) -> std::io::Result<usize> {
    let mut buffer = Vec::with_capacity(64 * 1024);
    loop {
        if stream.read_buf(&mut buffer).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let Some(head) = buffer.windows(4).position(|window| window == b"\r\n\r\n") else {
            continue;
        };
        let text = String::from_utf8_lossy(&buffer[..head]).to_ascii_lowercase();
        let length = text
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.and_then(|length| length.parse().ok()).unwrap_or(0);
        if !["http/1.1 200", "http/1.1 304"]
            .iter()
            .any(|status| text.starts_with(status))
        {
            return Err(std::io::Error::other(text));
        }
        if buffer.len() >= head + 4 + length {
            return Ok(length);
        }
    }
}

/// A bare actix handler that sends a page from memory.
pub fn bare_server(page: Vec<u8>) -> Result<(SocketAddr, actix_web::dev::ServerHandle), Failure> {
    use actix_web::{App, HttpResponse, HttpServer, web};
    let page = web::Bytes::from(page);
    let server = HttpServer::new(move || {
        let page = page.clone();
        App::new().default_service(web::to(move || {
            let page = page.clone();
            async move { HttpResponse::Ok().content_type("text/html").body(page) }
        }))
    })
    .workers(2)
    .disable_signals()
    .bind("127.0.0.1:0")?;
    let address = server.addrs()[0];
    let server = server.run();
    let handle = server.handle();
    tokio::spawn(server);
    Ok((address, handle))
}
