//! A story as a tree: what was scanned, what led on from there, and what happened to each.

use std::collections::{HashMap, HashSet};
use std::fmt;

use super::{Connection, Lead, StandingRecall, Stay, Step, Story};
use crate::domain::erasure::legible;
use crate::domain::forward::Certainty;
use crate::domain::gs1::Identity;
use crate::domain::statement::StatementId;
use crate::domain::time::to_second;

/// A story, told from the subject on: each thing after the one that led to it.
#[derive(Debug)]
pub struct Tree<'s> {
    story: &'s Story,
    /// In the order in which they are told; the first is the subject.
    pub nodes: Vec<Node<'s>>,
}

/// One thing of a story.
#[derive(Debug)]
pub struct Node<'s> {
    /// Which.
    pub identity: Identity,
    /// What led to it, by its place among the nodes, and how; `None` for the subject.
    pub because: Option<(usize, Connection)>,
    /// When they were together, where they did not stay so.
    pub stays: Vec<Stay>,
    /// What happened to it, unless it was told before.
    pub steps: Vec<&'s Step>,
    /// Whether it was told before, with all that it leads to.
    pub is_told: bool,
    /// The last thing that it led to.
    last_led_to: Option<usize>,
}

impl<'s> Tree<'s> {
    /// The tree of a story.
    pub fn of(story: &'s Story) -> Tree<'s> {
        let mut leads: HashMap<&Identity, Vec<&Lead>> = HashMap::new();
        for lead in &story.leads {
            leads.entry(&lead.from).or_default().push(lead);
        }
        let mut steps: HashMap<&Identity, Vec<&Step>> = HashMap::new();
        for step in &story.steps {
            for what in &step.event.what {
                steps.entry(&what.identity).or_default().push(step);
            }
        }
        let mut tree = Tree {
            story,
            nodes: Vec::new(),
        };
        let mut told: HashSet<Identity> = HashSet::new();
        let mut shown: HashSet<StatementId> = HashSet::new();
        let subject = story.subject.identities().into_iter().next();
        let mut todo: Vec<Node<'s>> = subject.into_iter().map(Node::subject).collect();
        while let Some(mut node) = todo.pop() {
            node.is_told = !told.insert(node.identity.clone());
            let place = tree.nodes.len();
            if let Some((parent, _)) = node.because {
                tree.nodes[parent].last_led_to = Some(place);
            }
            if !node.is_told {
                let own = steps.get(&node.identity).into_iter().flatten();
                node.steps = own.filter(|step| shown.insert(step.id)).copied().collect();
                let onwards = leads.get(&node.identity).map_or(&[][..], Vec::as_slice);
                // The last to be put there is the first to be told.
                todo.extend(Node::led_to(onwards, place).into_iter().rev());
            }
            tree.nodes.push(node);
        }
        tree
    }

    /// What stands before the lines of a node, below its own first line.
    fn margin(&self, place: usize) -> String {
        let mut parts = Vec::new();
        let mut at = place;
        while let Some((parent, _)) = self.nodes[at].because {
            let is_last = self.nodes[parent].last_led_to == Some(at);
            parts.push(if is_last { "   " } else { "│  " });
            at = parent;
        }
        parts.reverse();
        parts.concat()
    }

    fn name(&self, identity: &Identity) -> Option<&'s str> {
        let story = self.story;
        if let Some(party) = story.parties.get(&identity.canonical()) {
            return Some(legible(&party.name.en));
        }
        let product = story.products.get(&identity.gtin()?)?;
        Some(legible(&product.name.en))
    }
}

impl<'s> Node<'s> {
    fn subject(identity: Identity) -> Node<'s> {
        Node {
            identity,
            because: None,
            stays: Vec::new(),
            steps: Vec::new(),
            is_told: false,
            last_led_to: None,
        }
    }

    /// Each thing that leads go to, once for each way in which they do.
    fn led_to(leads: &[&Lead], from: usize) -> Vec<Node<'s>> {
        let mut nodes: Vec<Node<'s>> = Vec::new();
        let mut known: HashMap<(Connection, &Identity), usize> = HashMap::new();
        for lead in leads {
            let place = *known.entry((lead.how, &lead.to)).or_insert(nodes.len());
            if let Some(node) = nodes.get_mut(place) {
                node.stays.extend(lead.stay);
                continue;
            }
            nodes.push(Node {
                because: Some((from, lead.how)),
                stays: lead.stay.into_iter().collect(),
                ..Node::subject(lead.to.clone())
            });
        }
        nodes
    }
}

impl fmt::Display for Tree<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, node) in self.nodes.iter().enumerate() {
            let margin = self.margin(place);
            if let Some((parent, how)) = node.because {
                let is_last = self.nodes[parent].last_led_to == Some(place);
                let branch = if is_last { "└─ " } else { "├─ " };
                write!(f, "{}{branch}{} ", self.margin(parent), how.words())?;
            }
            let path = node.identity.path();
            f.write_str(&path.unwrap_or_else(|| node.identity.canonical()))?;
            if let Some(name) = self.name(&node.identity) {
                write!(f, "  {name}")?;
            }
            for stay in &node.stays {
                write!(f, "  {stay}")?;
            }
            if node.is_told {
                f.write_str("  (told above)")?;
            }
            writeln!(f)?;
            let rail = match node.last_led_to {
                Some(_) => "│  ",
                None => "   ",
            };
            for step in &node.steps {
                write!(f, "{margin}{rail}")?;
                self.write_step(f, step)?;
            }
        }
        Ok(())
    }
}

impl Tree<'_> {
    fn write_step(&self, f: &mut fmt::Formatter<'_>, step: &Step) -> fmt::Result {
        let event = &step.event;
        write!(
            f,
            "{}  {}",
            to_second(event.event_time),
            event.event_type.name()
        )?;
        if let Some(action) = event.action {
            write!(f, " {}", action.name())?;
        }
        if let Some(biz_step) = &event.biz_step {
            write!(f, " {biz_step}")?;
        }
        if let Some(place) = event.place() {
            let name = self.name(place).map(str::to_owned);
            write!(f, " at {}", name.unwrap_or_else(|| place.canonical()))?;
        }
        if step.is_retracted {
            f.write_str("  (declared an error)")?;
        }
        writeln!(f)
    }
}

/// What must be read before everything else.
#[derive(Debug)]
pub struct FirstOfAll<'s>(pub &'s Story);

impl fmt::Display for FirstOfAll<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for recall in &self.0.recalls {
            write_recall(f, recall)?;
        }
        if !self.0.is_on_record {
            writeln!(
                f,
                "NOT ON RECORD  nobody issued this code, and nothing names it"
            )?;
        }
        Ok(())
    }
}

fn write_recall(f: &mut fmt::Formatter<'_>, standing: &StandingRecall) -> fmt::Result {
    let recall = &standing.recall;
    let title = match (standing.is_open(), standing.certainty) {
        (false, _) => "recall closed",
        (true, Certainty::Affected) => "RECALLED",
        (true, Certainty::Possibly) => "POSSIBLY RECALLED",
    };
    write!(f, "{title}  class {}  ", recall.class.number())?;
    write!(f, "opened {}", to_second(standing.opened_at))?;
    if !standing.is_open() {
        write!(f, "  closed {}", to_second(standing.recorded_at))?;
    }
    writeln!(f, "  {}: {}", recall.uri, recall.reason.en)
}

impl Connection {
    /// As a sentence has it that goes on with what was led to.
    fn words(self) -> &'static str {
        match self {
            Connection::Lot => "of lot",
            Connection::PackedIn => "packed in",
            Connection::FastenedTo => "fastened to",
            Connection::MeasuredBy => "measured by",
            Connection::MadeFrom => "made from",
            Connection::MayContain => "may contain any lot of",
            Connection::Contained => "with what it held:",
        }
    }
}

impl fmt::Display for Stay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "from {}", to_second(self.from))?;
        if let Some(until) = self.until {
            write!(f, " to {}", to_second(until))?;
        }
        if self.is_end_inferred {
            f.write_str(" (inferred)")?;
        }
        Ok(())
    }
}
