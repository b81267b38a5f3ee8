#!/usr/bin/env node
// Keeps a picture of a node and prints what changes: node follow.js [ADDRESS]
// Needs npm's @grpc/grpc-js and @grpc/proto-loader, and the protos: $SASD_PROTOS, or those of the
// package sasd-dev.
'use strict';
const grpc = require('@grpc/grpc-js');
const loader = require('@grpc/proto-loader');

const address = process.argv[2] || 'unix:/run/sasd/sasd.sock';
const folder = process.env.SASD_PROTOS || '/usr/share/sasd/proto';
const options = {includeDirs: [folder], keepCase: true, longs: String, enums: String, oneofs: true};
const {sas} = grpc.loadPackageDefinition(loader.loadSync('sas/v1/watch_service.proto', options));
const client = new sas.v1.WatchService(address, grpc.credentials.createInsecure());
const picture = new Map();
const nameOf = (resource) => resource[resource.resource].name;

function follow(token) {  // '': from a snapshot on
  if (!token) picture.clear();
  const call = client.Watch({resume_token: token});
  call.on('data', (answer) => {
    if (answer.response === 'resync') {  // we fell behind: a new snapshot follows
      console.log(`resync: events after ${answer.resync.sent_revision} are not shown`);
      picture.clear();
    } else if (answer.response === 'snapshot') {
      for (const r of answer.snapshot.resources) picture.set(nameOf(r), r);
    } else if (answer.response === 'synced') {
      token = answer.synced.resume_token;
      console.log(`synced at ${answer.synced.revision}: ${picture.size} objects`);
    } else if (answer.response === 'bookmark') {
      token = answer.bookmark.resume_token;
    }
    for (const event of (answer.events || {events: []}).events) {
      if (event.gap) console.log(`gap: ${event.gap.first_revision} to ${event.gap.last_revision}`);
      for (const change of event.changes) {
        console.log(`${event.revision} ${change.kind} ${nameOf(change.resource)}`);
        if (change.kind === 'CHANGE_KIND_REMOVED') picture.delete(nameOf(change.resource));
        else picture.set(nameOf(change.resource), change.resource);
      }
      token = event.resume_token || token;  // parts of an event have none but the last
    }
  });
  call.on('error', (error) => {
    if (error.code === grpc.status.CANCELLED) return;
    if (error.code === grpc.status.OUT_OF_RANGE) {  // compacted, lost, or a new epoch
      console.log(`start over: ${error.details}`);
      token = '';
    } else if (error.code !== grpc.status.UNAVAILABLE) {
      throw error;
    }
    setTimeout(() => follow(token), 200);
  });
  call.on('end', () => {});
}
follow('');
