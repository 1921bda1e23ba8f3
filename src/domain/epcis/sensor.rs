//! `sensorElementList`.

use std::sync::Arc;

use time::OffsetDateTime;

use super::event::SensorReading;
use super::list::bounded;
use super::vocabulary::{COMPONENT, MEASUREMENT_TYPE, SENSOR_EXCEPTION, Words};
use crate::domain::fields::{At, Fault, FaultKind};
use crate::domain::unit::{dimension, dimensions_of};

const METADATA: &[&str] = &[
    "time",
    "deviceID",
    "deviceMetadata",
    "rawData",
    "startTime",
    "endTime",
    "dataProcessingMethod",
    "bizRules",
];
const METADATA_TIMES: &[&str] = &["time", "startTime", "endTime"];
const REPORT_URIS: &[&str] = &[
    "deviceID",
    "deviceMetadata",
    "rawData",
    "dataProcessingMethod",
    "bizRules",
    "microorganism",
    "chemicalSubstance",
    "coordinateReferenceSystem",
    "uriValue",
];
const REPORT_NUMBERS: &[&str] = &[
    "value",
    "minValue",
    "maxValue",
    "meanValue",
    "sDev",
    "percRank",
    "percValue",
];
const REPORT_OTHERS: &[&str] = &[
    "type",
    "exception",
    "time",
    "component",
    "stringValue",
    "booleanValue",
    "hexBinaryValue",
    "uom",
];

/// Checks the sensor elements and lists the values measured.
pub(super) fn readings(
    event: &At<'_>,
    event_time: OffsetDateTime,
) -> Result<Vec<SensorReading>, Fault> {
    let mut found = Vec::new();
    let Some(list) = event.get("sensorElementList") else {
        return Ok(found);
    };
    for element in bounded(&list)? {
        element.only(&[&["sensorMetadata", "sensorReport"]])?;
        let mut whole = Element {
            time: event_time,
            device: None,
        };
        if let Some(metadata) = element.get("sensorMetadata") {
            whole.time = metadata_time(&metadata)?.unwrap_or(event_time);
            whole.device = device(&metadata);
        }
        let reports = element.required("sensorReport")?;
        let list = bounded(&reports)?;
        if list.is_empty() {
            return Err(reports.fault(FaultKind::Rule("must not be empty")));
        }
        for report in list {
            found.extend(reading(&report, &whole)?);
        }
    }
    Ok(found)
}

/// What the metadata of an element say of all its reports.
struct Element {
    time: OffsetDateTime,
    device: Option<Arc<str>>,
}

fn device(at: &At<'_>) -> Option<Arc<str>> {
    Some(at.get("deviceID")?.value.as_str()?.into())
}

fn metadata_time(metadata: &At<'_>) -> Result<Option<OffsetDateTime>, Fault> {
    metadata.only(&[METADATA])?;
    for key in METADATA.iter().filter(|key| !METADATA_TIMES.contains(key)) {
        metadata.get(key).map(|at| at.uri()).transpose()?;
    }
    let time = |key| metadata.get(key).map(|at| at.time()).transpose();
    let (start, end) = (time("startTime")?, time("endTime")?);
    if let (Some(start), Some(end)) = (start, end)
        && end < start
    {
        return Err(metadata.fault_in("endTime", FaultKind::Rule("is before startTime")));
    }
    time("time")
}

fn reading(report: &At<'_>, element: &Element) -> Result<Option<SensorReading>, Fault> {
    report.only(&[REPORT_URIS, REPORT_NUMBERS, REPORT_OTHERS])?;
    let kind = MEASUREMENT_TYPE.read(&report.required("type")?)?;
    for key in REPORT_URIS {
        report.get(key).map(|at| at.uri()).transpose()?;
    }
    for key in REPORT_NUMBERS {
        report.get(key).map(|at| at.number()).transpose()?;
    }
    let word = |key, vocabulary: &Words| {
        let at = report.get(key);
        at.map(|at| vocabulary.read(&at)).transpose()
    };
    let exception = word("exception", &SENSOR_EXCEPTION)?;
    word("component", &COMPONENT)?;
    report.get("stringValue").map(|at| at.text()).transpose()?;
    report
        .get("booleanValue")
        .map(|at| at.boolean())
        .transpose()?;
    report
        .get("hexBinaryValue")
        .map(|at| hex_binary(&at))
        .transpose()?;
    let uom = report.get("uom").map(|at| unit_of(&at, kind)).transpose()?;
    let at = report
        .get("time")
        .map(|at| at.time())
        .transpose()?
        .unwrap_or(element.time);
    let number = |key: &str| {
        let number: f64 = report.get(key)?.value.as_number()?.parse().ok()?;
        number.is_finite().then_some(number)
    };
    let told = ["value", "meanValue", "maxValue", "minValue"].map(number);
    let told = told.into_iter().flatten();
    Ok(told.clone().next().map(|value| SensorReading {
        kind: kind.to_owned(),
        at,
        value,
        lowest: told.clone().fold(value, f64::min),
        highest: told.fold(value, f64::max),
        uom: uom.map(str::to_owned),
        device: device(report).or_else(|| element.device.clone()),
        is_faulty: exception == Some("ERROR_CONDITION"),
    }))
}

/// EPCIS 2.0 JSON schema, `hexBinary`: `^[A-Fa-f0-9]+$`.
fn hex_binary(at: &At<'_>) -> Result<(), Fault> {
    let text = at.text()?;
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(at.fault(FaultKind::MustBe("hexadecimal digits")));
    }
    Ok(())
}

/// The unit of a report. One that the table does not have may be right; one that it has must fit
/// what was measured, where that is a measurement type of GS1's.
fn unit_of<'v>(at: &At<'v>, measured: &str) -> Result<&'v str, Fault> {
    let uom = at.unit()?;
    if let (Some(unit), Some(fitting)) = (dimension(uom), dimensions_of(measured))
        && !fitting.contains(&unit)
    {
        return Err(at.fault(FaultKind::Unit {
            uom: uom.to_owned(),
            measured: measured.to_owned(),
        }));
    }
    Ok(uom)
}
