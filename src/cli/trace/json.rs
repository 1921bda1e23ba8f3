//! A story as JSON: what the tree says, for machines.

use serde::Serialize;
use serde_json::value::RawValue;
use time::OffsetDateTime;

use crate::domain::finding::Finding;
use crate::domain::history::{Change, Changed};
use crate::domain::route::{Completeness, State};
use crate::domain::statement::StatementId;
use crate::domain::story::tree::{Node, Tree};
use crate::domain::story::{Connection, StandingRecall, Stay, Step, Story, Via};
use crate::domain::time::timestamp;
use crate::domain::told::Told;
use crate::web::findings::{rule, sentence, severity};
use crate::web::forward::word;
use crate::web::text::{Lang, Text};

/// The object.
pub(super) fn of(told: &Told) -> serde_json::Result<String> {
    let story = &told.story;
    let tree = Tree::of(story);
    let nodes = tree.nodes.iter().map(|node| node_of(story, node));
    serde_json::to_string(&StoryJson {
        subject: story.subject.canonical(),
        is_on_record: story.is_on_record,
        recalls: story.recalls.iter().map(recall_of).collect(),
        findings: told
            .findings
            .iter()
            .map(|found| finding_of(story, found))
            .collect(),
        route: told
            .completeness
            .as_ref()
            .map(|found| route_of(story, found)),
        nodes: nodes.collect(),
        history: story
            .history
            .iter()
            .map(|one| change_of(story, one))
            .collect(),
        kept_back: told.kept_back,
        is_truncated: story.truncated,
    })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StoryJson {
    subject: String,
    /// Whether anything names it; else only a recall concerns it.
    is_on_record: bool,
    /// Those that stand first.
    recalls: Vec<RecallJson>,
    /// What does not add up, the gravest first.
    findings: Vec<FindingJson>,
    /// What should be on record, where the product has a route.
    #[serde(skip_serializing_if = "Option::is_none")]
    route: Option<RouteJson>,
    /// Each after the one that led to it; the first is the subject.
    nodes: Vec<NodeJson>,
    /// What was changed, erased or withdrawn, the first first.
    history: Vec<ChangeJson>,
    /// How many fields are kept from this audience.
    kept_back: usize,
    /// Whether there is more than one story may hold.
    is_truncated: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NodeJson {
    identity: String,
    /// Which of the nodes led to this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    connection: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stays: Vec<StayJson>,
    /// Whether an earlier node is the same thing, and has its steps and what it leads to.
    is_told_above: bool,
    steps: Vec<StepJson>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ChangeJson {
    kind: &'static str,
    /// What the description is of, as it is called now.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// Of which event.
    #[serde(rename = "eventID", skip_serializing_if = "Option::is_none")]
    event_id: Option<String>,
    /// Whether the event was declared an error.
    is_withdrawn: bool,
    issuer: String,
    record_time: String,
    /// In the log, once sealed.
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(rename = "correctiveEventIDs", skip_serializing_if = "Vec::is_empty")]
    corrective_event_ids: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fields: Vec<FieldJson>,
}

#[derive(Serialize)]
struct FieldJson {
    /// JSON Pointer within the body.
    pointer: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    old: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    new: Option<Box<RawValue>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RecallJson {
    recall: String,
    status: &'static str,
    recall_class: u8,
    certainty: &'static str,
    opened: String,
    /// When it was widened or closed last; when it was opened, if neither.
    recorded: String,
    reason: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FindingJson {
    rule: &'static str,
    severity: &'static str,
    sentence: String,
    /// The events that contradict each other.
    #[serde(rename = "eventIDs")]
    event_ids: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RouteJson {
    name: String,
    /// In the order of the route.
    stages: Vec<StageJson>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StageJson {
    name: String,
    /// Of the step; of the documents, where only these are expected.
    state: &'static str,
    #[serde(rename = "eventID", skip_serializing_if = "Option::is_none")]
    event_id: Option<String>,
    documents: Vec<DocumentJson>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DocumentJson {
    document_type: String,
    state: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StayJson {
    from: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
    is_end_inferred: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StepJson {
    #[serde(rename = "eventID", skip_serializing_if = "Option::is_none")]
    event_id: Option<String>,
    #[serde(rename = "type")]
    event_type: &'static str,
    event_time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    record_time: Option<String>,
    /// In the log, once sealed.
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    biz_step: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disposition: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    read_point: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    biz_location: Option<String>,
    /// Who says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    issuer: Option<String>,
    /// The key under which it signed that.
    #[serde(skip_serializing_if = "Option::is_none")]
    signer: Option<String>,
    /// What of it concerns the story: what else the event names is left out.
    about: Vec<String>,
    via: &'static str,
    is_retracted: bool,
}

fn node_of(story: &Story, node: &Node<'_>) -> NodeJson {
    NodeJson {
        identity: node.identity.canonical(),
        from: node.because.map(|(from, _)| from),
        connection: node.because.map(|(_, how)| connection(how)),
        stays: node.stays.iter().map(stay_of).collect(),
        is_told_above: node.is_told,
        steps: node.steps.iter().map(|step| step_of(story, step)).collect(),
    }
}

fn change_of(story: &Story, change: &Change) -> ChangeJson {
    let event_id = |id: &StatementId| story.step(*id)?.event.event_id.clone();
    let (event, declared, correctives) = match &change.of {
        Changed::Called(_) => (None, None, &[][..]),
        Changed::Event(id) => (Some(id), None, &[][..]),
        Changed::Withdrawn {
            event,
            reason,
            correctives,
        } => (Some(event), reason.clone(), correctives.as_slice()),
    };
    let said = change.reason.as_ref().map(|reason| reason.en.clone());
    // A scalar of what is stored is JSON.
    let raw = |text: &Option<String>| RawValue::from_string(text.clone()?).ok();
    let fields = change.fields.iter().map(|field| FieldJson {
        pointer: field.pointer.clone(),
        old: raw(&field.old),
        new: raw(&field.new),
    });
    ChangeJson {
        kind: change.kind.as_str(),
        name: match &change.of {
            Changed::Called(name) => Some(name.en.clone()),
            _ => None,
        },
        event_id: event.and_then(event_id),
        is_withdrawn: matches!(change.of, Changed::Withdrawn { .. }),
        issuer: change.by.clone(),
        record_time: text(change.recorded_at),
        index: change.leaf_index.map(|index| index.0),
        reason: said.or(declared),
        corrective_event_ids: correctives.iter().filter_map(event_id).collect(),
        fields: fields.collect(),
    }
}

fn recall_of(standing: &StandingRecall) -> RecallJson {
    let recall = &standing.recall;
    RecallJson {
        recall: recall.uri.clone(),
        status: recall.status.as_str(),
        recall_class: recall.class.number(),
        certainty: word(standing.certainty),
        opened: text(standing.opened_at),
        recorded: text(standing.recorded_at),
        reason: recall.reason.en.clone(),
    }
}

fn finding_of(story: &Story, finding: &Finding) -> FindingJson {
    let steps = finding.evidence.iter();
    let steps = steps.filter_map(|id| story.step(*id));
    FindingJson {
        rule: rule(&finding.what),
        severity: severity(finding.severity),
        sentence: sentence(Text::of(Lang::En), story, finding),
        event_ids: steps
            .filter_map(|step| step.event.event_id.clone())
            .collect(),
    }
}

fn route_of(story: &Story, completeness: &Completeness) -> RouteJson {
    let stages = completeness.stages.iter().map(|found| StageJson {
        name: found.stage.name.en.clone(),
        state: state(found.state),
        event_id: found
            .step
            .and_then(|step| story.step(step)?.event.event_id.clone()),
        documents: found
            .documents
            .iter()
            .map(|(document_type, of)| DocumentJson {
                document_type: (*document_type).to_owned(),
                state: state(*of),
            })
            .collect(),
    });
    RouteJson {
        name: completeness.route.name.en.clone(),
        stages: stages.collect(),
    }
}

fn state(state: State) -> &'static str {
    match state {
        State::Present => "present",
        State::Missing => "missing",
        State::ToCome => "toCome",
        State::NotApplicable => "notApplicable",
    }
}

fn connection(how: Connection) -> &'static str {
    match how {
        Connection::Lot => "lot",
        Connection::PackedIn => "packedIn",
        Connection::FastenedTo => "fastenedTo",
        Connection::MeasuredBy => "measuredBy",
        Connection::MadeFrom => "madeFrom",
        Connection::MayContain => "mayContain",
        Connection::Contained => "contained",
    }
}

fn stay_of(stay: &Stay) -> StayJson {
    StayJson {
        from: text(stay.from),
        until: stay.until.map(text),
        is_end_inferred: stay.is_end_inferred,
    }
}

fn step_of(story: &Story, step: &Step) -> StepJson {
    let event = &step.event;
    let statement = story.statement_of(step);
    let stored = statement.map(|statement| &statement.stored);
    let about = event.what.iter().map(|what| what.identity.canonical());
    StepJson {
        event_id: event.event_id.clone(),
        event_type: event.event_type.name(),
        event_time: text(event.event_time),
        record_time: stored.map(|stored| text(stored.recorded_at)),
        index: stored
            .and_then(|stored| stored.leaf_index)
            .map(|index| index.0),
        action: event.action.map(|action| action.name()),
        biz_step: event.biz_step.clone(),
        disposition: event.disposition.clone(),
        read_point: event.read_point.as_ref().map(|place| place.canonical()),
        biz_location: event.biz_location.as_ref().map(|place| place.canonical()),
        issuer: statement.map(|statement| statement.issuer.clone()),
        signer: statement.and_then(|statement| statement.signer.clone()),
        about: about.collect(),
        via: match step.via {
            Via::Item => "item",
            Via::Container => "container",
            Via::Lot => "lot",
            Via::Ingredient => "ingredient",
        },
        is_retracted: step.is_retracted,
    }
}

fn text(at: OffsetDateTime) -> String {
    timestamp(at).to_string()
}
