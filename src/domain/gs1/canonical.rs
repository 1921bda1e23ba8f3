//! How a canonical Digital Link is written.

use std::fmt;

use super::ai::Ai;
use super::escape::write_escaped;
use super::key::{Grai, Gtin};
use super::text::{Lot, Serial};

/// GS1's own resolver: the host of every canonical link, whoever's host a link came from.
pub(super) const HOST: &str = "https://id.gs1.org";

/// Room for the longest canonical product without escapes: 18 + 4 + 14 + 4 + 20 + 4 + 20.
pub(super) const USUAL_BYTES: usize = 84;

/// `/01/{gtin}[/10/{lot}][/21/{serial}]`.
pub(super) fn write_product<W>(
    out: &mut W,
    gtin: &Gtin,
    lot: Option<&Lot>,
    serial: Option<&Serial>,
) -> fmt::Result
where
    W: fmt::Write + ?Sized,
{
    write_pair(out, Ai::Gtin, gtin.as_str())?;
    if let Some(lot) = lot {
        write_pair(out, Ai::Lot, lot.as_str())?;
    }
    if let Some(serial) = serial {
        write_pair(out, Ai::Serial, serial.as_str())?;
    }
    Ok(())
}

/// `/8003/0{kind}{serial}`.
pub(super) fn write_grai<W>(out: &mut W, grai: &Grai) -> fmt::Result
where
    W: fmt::Write + ?Sized,
{
    out.write_str("/8003/0")?;
    out.write_str(grai.kind())?;
    write_escaped(out, grai.serial().unwrap_or_default())
}

/// `/{code}/{value}`, the value escaped.
pub(super) fn write_pair<W>(out: &mut W, ai: Ai, value: &str) -> fmt::Result
where
    W: fmt::Write + ?Sized,
{
    out.write_char('/')?;
    out.write_str(ai.code())?;
    out.write_char('/')?;
    write_escaped(out, value)
}
