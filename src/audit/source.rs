//! Where the public files are: a folder, or a server.

use std::fs;
use std::future::Future;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::StatusCode;
use thiserror::Error;

use crate::http_client;

/// Waits before a failed request is made again.
const RETRIES: [Duration; 3] = [
    Duration::from_millis(100),
    Duration::from_millis(500),
    Duration::from_millis(2_500),
];

/// The public files of a log, by their names below its address.
pub trait LogSource: Send + Sync + 'static {
    /// The file's bytes, at most `limit` of them; `None` if there is no such file.
    fn read(
        &self,
        name: String,
        limit: usize,
    ) -> impl Future<Output = Result<Option<Vec<u8>>, SourceError>> + Send;
}

/// Why there are no bytes.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SourceError {
    /// It, or the way to it, fails.
    #[error("{name}: {fault}")]
    Unreadable {
        /// Which file.
        name: String,
        /// Why.
        fault: String,
    },
    /// It is longer than any such file may be.
    #[error("{name} is longer than {limit} bytes")]
    TooLong {
        /// Which file.
        name: String,
        /// What such a file may have.
        limit: usize,
    },
    /// Not an address of a log.
    #[error("the address must begin with http:// or https://")]
    Address,
}

/// A folder.
#[derive(Debug, Clone)]
pub struct Folder(pub PathBuf);

impl LogSource for Folder {
    async fn read(&self, name: String, limit: usize) -> Result<Option<Vec<u8>>, SourceError> {
        let path = self.0.join(&name);
        let unreadable = |error: std::io::Error| SourceError::Unreadable {
            name: name.clone(),
            fault: error.to_string(),
        };
        let length = match fs::metadata(&path) {
            Ok(file) if file.is_file() => file.len(),
            Ok(_) => return Ok(None),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unreadable(error)),
        };
        if length > limit as u64 {
            return Err(SourceError::TooLong { name, limit });
        }
        // Local files of a few kilobytes: handing them to another thread would cost more.
        fs::read(&path).map(Some).map_err(unreadable)
    }
}

/// A server.
#[derive(Debug, Clone)]
pub struct Server {
    http: reqwest::Client,
    address: String,
}

impl Server {
    /// The log at this address, below which its `checkpoint` is.
    pub fn new(address: &str) -> Result<Server, SourceError> {
        if !address.starts_with("http://") && !address.starts_with("https://") {
            return Err(SourceError::Address);
        }
        Ok(Server {
            http: http_client::for_address(address),
            address: address.trim_end_matches('/').to_owned(),
        })
    }

    async fn get(&self, name: &str, limit: usize) -> Result<Option<Vec<u8>>, Failure> {
        let url = format!("{}/{name}", self.address);
        let mut answer = self.http.get(url).send().await.map_err(passing)?;
        match answer.status() {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND | StatusCode::GONE => return Ok(None),
            status if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
                return Err(Failure::Passing(format!("the server answers {status}")));
            }
            status => return Err(Failure::Lasting(format!("the server answers {status}"))),
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(passing)? {
            if body.len() + chunk.len() > limit {
                return Err(Failure::TooLong);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Some(body))
    }
}

enum Failure {
    /// It may go through the next time.
    Passing(String),
    Lasting(String),
    TooLong,
}

fn passing(error: reqwest::Error) -> Failure {
    Failure::Passing(http_client::innermost(&error))
}

impl LogSource for Server {
    async fn read(&self, name: String, limit: usize) -> Result<Option<Vec<u8>>, SourceError> {
        let mut retries = RETRIES.iter();
        loop {
            let fault = match self.get(&name, limit).await {
                Ok(body) => return Ok(body),
                Err(Failure::TooLong) => return Err(SourceError::TooLong { name, limit }),
                Err(Failure::Lasting(fault)) => {
                    return Err(SourceError::Unreadable { name, fault });
                }
                Err(Failure::Passing(fault)) => fault,
            };
            match retries.next() {
                Some(wait) => tokio::time::sleep(*wait).await,
                None => return Err(SourceError::Unreadable { name, fault }),
            }
        }
    }
}

/// A folder or a server, as it was named on the command line.
#[derive(Debug, Clone)]
pub enum Place {
    /// A folder.
    Folder(Folder),
    /// A server.
    Server(Server),
}

impl LogSource for Place {
    async fn read(&self, name: String, limit: usize) -> Result<Option<Vec<u8>>, SourceError> {
        match self {
            Place::Folder(folder) => folder.read(name, limit).await,
            Place::Server(server) => server.read(name, limit).await,
        }
    }
}
