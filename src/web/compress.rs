//! Texts as small as their reader takes them: Brotli (RFC 7932), else gzip, else as they are.

use std::borrow::Cow;
use std::io::Write as _;
use std::sync::OnceLock;

use actix_web::http::header::{
    self, AcceptEncoding, ContentEncoding, Encoding, Header as _, HeaderValue, Preference, Quality,
};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};

/// How a body travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    Brotli,
    Gzip,
    Identity,
}

/// What a body is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effort {
    /// It is sent once: what takes longer than it saves on the way is not done.
    Once,
    /// It is made once and sent for ever.
    Kept,
}

/// A longer body is compressed with gzip, which takes half as long.
const MAX_BROTLI_BYTES: usize = 128 << 10;
/// A longer body travels as it is: whoever compresses it answers nobody else meanwhile.
const MAX_BYTES: usize = 1 << 20;

impl Coding {
    /// What a reader likes best for a body of so many bytes. Most readers give all codings the same weight and leave the
    /// choice to us (RFC 9110 §12.5.3): then the smallest that does not keep others waiting.
    pub(super) fn of(request: &HttpRequest, length: usize) -> Coding {
        // Whoever says nothing takes anything, but may be too old to know these.
        let accepted = AcceptEncoding::parse(request).map_or(Vec::new(), |accepted| accepted.0);
        let weight = |coding: ContentEncoding| {
            let own = Preference::Specific(Encoding::Known(coding));
            let named = accepted.iter().find(|accepted| accepted.item == own);
            let any = || accepted.iter().find(|a| a.item == Preference::Any);
            let weight = named.or_else(any).map(|accepted| accepted.quality);
            weight.filter(|weight| *weight > Quality::ZERO)
        };
        let brotli = weight(ContentEncoding::Brotli).filter(|_| length <= MAX_BROTLI_BYTES);
        let gzip = weight(ContentEncoding::Gzip).filter(|_| length <= MAX_BYTES);
        match (brotli, gzip) {
            (Some(brotli), gzip) if gzip.is_none_or(|gzip| brotli >= gzip) => Coding::Brotli,
            (_, Some(_)) => Coding::Gzip,
            _ => Coding::Identity,
        }
    }

    /// A text in this coding.
    pub(super) fn encode(self, text: &[u8], effort: Effort) -> std::io::Result<Vec<u8>> {
        let is_kept = effort == Effort::Kept;
        match self {
            Coding::Identity => Ok(text.to_vec()),
            Coding::Gzip => {
                let level = flate2::Compression::new(if is_kept { 9 } else { 5 });
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), level);
                encoder.write_all(text)?;
                encoder.finish()
            }
            Coding::Brotli => {
                let parameters = brotli::enc::BrotliEncoderParams {
                    // For a page of 22 kB on one core: 0.3 ms, and a tenth smaller than gzip.
                    quality: if is_kept { 11 } else { 5 },
                    // A window of 256 kB holds all that comes here, and takes less time to set up than the usual one.
                    lgwin: 18,
                    size_hint: text.len(),
                    ..Default::default()
                };
                let mut encoded = Vec::new();
                brotli::BrotliCompress(&mut &text[..], &mut encoded, &parameters)?;
                Ok(encoded)
            }
        }
    }

    /// Says on an answer how its body travels. That other readers get it otherwise, its maker says.
    pub(super) fn mark(self, mut response: HttpResponse) -> HttpResponse {
        let name = match self {
            Coding::Brotli => "br",
            Coding::Gzip => "gzip",
            Coding::Identity => return response,
        };
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
        response
    }
}

/// A text that is made once and sent for ever: compressed when it is first asked for, as small as it gets.
pub(super) struct Kept {
    text: Cow<'static, str>,
    brotli: OnceLock<Vec<u8>>,
    gzip: OnceLock<Vec<u8>>,
}

impl Kept {
    pub(super) fn new(text: impl Into<Cow<'static, str>>) -> Kept {
        Kept {
            text: text.into(),
            brotli: OnceLock::new(),
            gzip: OnceLock::new(),
        }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The answer that `response` begins, with this as its body.
    pub(super) fn respond(
        &'static self,
        request: &HttpRequest,
        mut response: HttpResponseBuilder,
    ) -> HttpResponse {
        // It keeps nobody waiting but once: it may be as long as it is.
        let coding = Coding::of(request, 0);
        let encoded = || {
            let encoded = coding.encode(self.text.as_bytes(), Effort::Kept);
            encoded.expect("memory takes whatever is written")
        };
        let body: &'static [u8] = match coding {
            Coding::Brotli => self.brotli.get_or_init(encoded),
            Coding::Gzip => self.gzip.get_or_init(encoded),
            Coding::Identity => self.text.as_bytes(),
        };
        response.insert_header((header::VARY, "Accept-Encoding"));
        coding.mark(response.body(body))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use actix_web::test::TestRequest;

    use super::*;

    fn chosen(accept: &str) -> Coding {
        let request = TestRequest::default().insert_header((header::ACCEPT_ENCODING, accept));
        Coding::of(&request.to_http_request(), 1_000)
    }

    #[test]
    fn the_smallest_that_is_taken_is_chosen_and_nothing_that_is_refused() {
        for (accept, coding) in [
            ("gzip, deflate, br, zstd", Coding::Brotli),
            ("gzip, deflate", Coding::Gzip),
            ("br;q=0, gzip;q=0.5", Coding::Gzip),
            ("br;q=0, gzip;q=0", Coding::Identity),
            ("*", Coding::Brotli),
            ("*;q=0", Coding::Identity),
            ("br;q=0, *", Coding::Gzip),
            ("gzip;q=1, br;q=0.1", Coding::Gzip),
            ("gzip;q=0.1, br;q=0.2", Coding::Brotli),
            ("identity", Coding::Identity),
            ("zstd", Coding::Identity),
            ("", Coding::Identity),
        ] {
            assert_eq!(chosen(accept), coding, "{accept}");
        }
        let silent = TestRequest::default().to_http_request();
        assert_eq!(Coding::of(&silent, 1_000), Coding::Identity);
    }

    #[test]
    fn what_would_keep_others_waiting_is_compressed_less_or_not_at_all() {
        let request = TestRequest::default().insert_header((header::ACCEPT_ENCODING, "gzip, br"));
        let request = request.to_http_request();
        for (length, coding) in [
            (MAX_BROTLI_BYTES, Coding::Brotli),
            (MAX_BROTLI_BYTES + 1, Coding::Gzip),
            (MAX_BYTES, Coding::Gzip),
            (MAX_BYTES + 1, Coding::Identity),
        ] {
            assert_eq!(Coding::of(&request, length), coding, "{length}");
        }
    }

    #[test]
    fn what_was_encoded_is_the_text_again() {
        let text = "源证 Rootmark ".repeat(5_000);
        for effort in [Effort::Once, Effort::Kept] {
            let mut read = String::new();
            let brotli = Coding::Brotli.encode(text.as_bytes(), effort).unwrap();
            brotli::Decompressor::new(&brotli[..], 4096)
                .read_to_string(&mut read)
                .unwrap();
            assert_eq!(read, text);
            read.clear();
            let gzip = Coding::Gzip.encode(text.as_bytes(), effort).unwrap();
            flate2::read::GzDecoder::new(&gzip[..])
                .read_to_string(&mut read)
                .unwrap();
            assert_eq!(read, text);
            assert!(brotli.len() < 1_000 && gzip.len() < 2_000);
        }
        let plain = Coding::Identity.encode(text.as_bytes(), Effort::Once);
        assert_eq!(plain.unwrap(), text.as_bytes());
    }
}
