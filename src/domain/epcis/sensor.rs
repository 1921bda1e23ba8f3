//! `sensorElementList`.

use time::OffsetDateTime;

use super::event::SensorReading;
use super::list::bounded;
use super::vocabulary::SENSOR_EXCEPTIONS;
use crate::domain::fields::{At, Fault, FaultKind};

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
const REPORT_TIMES: &[&str] = &["time", "startTime", "endTime"];
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
const REPORT_TEXTS: &[&str] = &["component", "stringValue", "hexBinaryValue", "uom"];
const REPORT_OTHERS: &[&str] = &["type", "exception", "time", "booleanValue"];

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
        let element_time = match element.get("sensorMetadata") {
            Some(metadata) => metadata_time(&metadata)?.unwrap_or(event_time),
            None => event_time,
        };
        let reports = element.required("sensorReport")?;
        for report in bounded(&reports)? {
            found.extend(reading(&report, element_time)?);
        }
    }
    Ok(found)
}

fn metadata_time(metadata: &At<'_>) -> Result<Option<OffsetDateTime>, Fault> {
    metadata.only(&[METADATA])?;
    for key in REPORT_TIMES {
        metadata.get(key).map(|at| at.time()).transpose()?;
    }
    for key in METADATA.iter().filter(|key| !REPORT_TIMES.contains(key)) {
        metadata.get(key).map(|at| at.uri()).transpose()?;
    }
    metadata.get("time").map(|at| at.time()).transpose()
}

fn reading(report: &At<'_>, element_time: OffsetDateTime) -> Result<Option<SensorReading>, Fault> {
    report.only(&[REPORT_URIS, REPORT_NUMBERS, REPORT_TEXTS, REPORT_OTHERS])?;
    let kind = report.required("type")?.text()?;
    for key in REPORT_URIS {
        report.get(key).map(|at| at.uri()).transpose()?;
    }
    for key in REPORT_TEXTS {
        report.get(key).map(|at| at.text()).transpose()?;
    }
    for key in REPORT_NUMBERS {
        report.get(key).map(|at| at.number()).transpose()?;
    }
    if let Some(exception) = report.get("exception")
        && !SENSOR_EXCEPTIONS.contains(&exception.text()?)
    {
        return Err(exception.fault(FaultKind::MustBe("ALARM_CONDITION or ERROR_CONDITION")));
    }
    let at = report
        .get("time")
        .map(|at| at.time())
        .transpose()?
        .unwrap_or(element_time);
    let value = ["value", "meanValue", "maxValue", "minValue"]
        .iter()
        .find_map(|key| report.get(key)?.value.as_number()?.parse::<f64>().ok());
    Ok(value
        .filter(|value| value.is_finite())
        .map(|value| SensorReading {
            kind: kind.to_owned(),
            at,
            value,
            uom: report
                .get("uom")
                .and_then(|at| at.value.as_str().map(str::to_owned)),
        }))
}
