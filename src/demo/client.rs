//! The example's own use of the HTTP API.

use std::net::SocketAddr;

use reqwest::{Response, StatusCode};
use serde::Deserialize;
use thiserror::Error;

use crate::http_client;

/// A client of the service in this very process.
pub(super) struct Client {
    base: String,
    http: reqwest::Client,
}

/// The service did not do what the example asked.
#[derive(Debug, Error)]
pub enum ClientError {
    /// It did not answer.
    #[error("the service does not answer: {0}")]
    Http(#[from] reqwest::Error),
    /// It refused.
    #[error("{path} was refused with {status}: {body}")]
    Refused {
        /// Where.
        path: String,
        /// How.
        status: StatusCode,
        /// Why.
        body: String,
    },
}

#[derive(Deserialize)]
struct Issued {
    codes: String,
}

impl Client {
    pub fn new(address: SocketAddr) -> Client {
        Client {
            base: format!("http://{address}"),
            http: http_client::loopback(),
        }
    }

    pub async fn describe(&self, what: &str, key: &str, body: &str) -> Result<(), ClientError> {
        self.post(&format!("/api/{what}"), key, body)
            .await
            .map(|_| ())
    }

    pub async fn capture(&self, key: &str, document: &str) -> Result<(), ClientError> {
        self.post("/epcis/capture", key, document).await.map(|_| ())
    }

    pub async fn record_signed(&self, key: &str, signed: &str) -> Result<(), ClientError> {
        self.post("/api/signed-statements", key, signed)
            .await
            .map(|_| ())
    }

    /// Issues codes and gives their addresses.
    pub async fn issue(
        &self,
        key: &str,
        gtin: &str,
        lot: &str,
        quantity: u32,
    ) -> Result<Vec<String>, ClientError> {
        let order = serde_json::json!({ "gtin": gtin, "lot": lot, "quantity": quantity });
        let answer = self
            .post("/api/code-ranges", key, &order.to_string())
            .await?;
        let issued: Issued = answer.json().await?;
        let request = self
            .http
            .get(format!("{}{}", self.base, issued.codes))
            .bearer_auth(key);
        let text = accepted(&issued.codes, request.send().await?)
            .await?
            .text()
            .await?;
        Ok(text.lines().map(str::to_owned).collect())
    }

    pub async fn send_picture(&self, key: &str, picture: &[u8]) -> Result<(), ClientError> {
        self.post_as("image/png", "/api/pictures", key, picture.to_vec())
            .await
            .map(|_| ())
    }

    async fn post(&self, path: &str, key: &str, body: &str) -> Result<Response, ClientError> {
        self.post_as("application/json", path, key, body.into())
            .await
    }

    async fn post_as(
        &self,
        media_type: &str,
        path: &str,
        key: &str,
        body: Vec<u8>,
    ) -> Result<Response, ClientError> {
        let request = self
            .http
            .post(format!("{}{path}", self.base))
            .bearer_auth(key)
            .header("Content-Type", media_type)
            .body(body);
        accepted(path, request.send().await?).await
    }
}

async fn accepted(path: &str, answer: Response) -> Result<Response, ClientError> {
    let status = answer.status();
    if status.is_success() {
        return Ok(answer);
    }
    let body = answer.text().await?;
    Err(ClientError::Refused {
        path: path.to_owned(),
        status,
        body,
    })
}
