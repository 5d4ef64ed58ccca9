// What each page fills in beside what all have (page.cpp). Inner to the pages.
// Thread: pure functions.
#pragma once

#include "pool/http/page.h"

namespace pool {

// One page's request and answers while it is filled in.
struct PageInput {
  const PageRequest& request;
  const PageAnswers& answers;
  JsonView pool;
  std::int64_t now_us = 0;  // of the pool's figures

  // The body of an answer that came well; else nothing is there.
  JsonView body(std::string_view name) const;
  // Why an answer is missing, for people; empty where it came.
  std::string trouble(std::string_view name, std::string_view subject = "This") const;
};

void fill_overview(const PageInput& in, PageValues& out);
void fill_blocks(const PageInput& in, PageValues& out);
void fill_miner(const PageInput& in, PageValues& out);
void fill_payouts(const PageInput& in, PageValues& out);
void fill_coherence(const PageInput& in, PageValues& out);
void fill_connect(const PageInput& in, PageValues& out);
void fill_status(const PageInput& in, PageValues& out);

// --- shared by several of them ---

// Rows of the table of blocks: the overview's, and the blocks page's with more columns.
std::string block_rows(const JsonView& blocks, std::string_view trouble);
// "28 confirmed, 1 maturing, 2 orphaned"
std::string blocks_note(const JsonView& by_status);
// Rows of what is up: nodes, database, journal.
std::string status_rows(const PageInput& in);
std::string part_count_note(const PageInput& in);  // "4 parts, all well"
// A live figure, as {{=form path}} in a template.
std::string live_figure(const PageInput& in, std::string_view form, std::string_view path);
// The link to the next part of a list; empty where there is none.
std::string more_link(std::string_view path, std::string_view name, const JsonView& next,
                      std::string_view text);

}  // namespace pool
