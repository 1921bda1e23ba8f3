//! What the people of a merchant can do in the dashboard, and what nobody can.

#[path = "../support/mod.rs"]
mod support;

mod audit;
mod carried;
mod coming_in;
mod factor;
#[path = "../support/installed.rs"]
mod installed;
mod invitations;
mod keys;
mod kit;
mod mail;
mod matrix;
mod reset;
mod sessions;
mod team;
mod tenants;
