//! `/epcis/…`: EPCIS 2.0 over HTTP.

mod capture;
mod demands;
mod edge;
mod events;
mod form;
mod list;
mod page_token;
mod queries;
mod resources;
mod subscriptions;

pub(super) use capture::{capture, capture_job, capture_jobs, capture_proof, job_path};
pub(super) use edge::keep_to_the_standard;
pub(super) use events::{event, events, post_event};
pub(super) use queries::{delete_query, post_query, queries, query, query_events};
pub(super) use resources::{discover, forget_token, member, members, root};
pub(super) use subscriptions::{
    end_subscription, one_subscription, post_subscription, subscriptions,
};
