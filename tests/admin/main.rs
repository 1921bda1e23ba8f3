//! What the people of a merchant can do in the dashboard, and what nobody can.

#[path = "../support/mod.rs"]
mod support;

mod audit;
mod carried;
mod coming_in;
mod factor;
mod invitations;
mod keys;
mod kit;
mod matrix;
mod reset;
mod sessions;
mod team;
mod tenants;
