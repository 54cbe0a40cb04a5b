/* SPDX-License-Identifier: Apache-2.0 */
#include "check/traffic.h"

const struct check traffic_checks[] = {
    {30, MUST, OF_PAIR, "3 MiB each way arrive unchanged, in pieces of 1 to 40000 bytes",
     carries_both_ways},
    {31, MUST, OF_PAIR, "where TCP segments end changes nothing, within the first KiB each way",
     bears_every_split},
    {32, MUST, OF_PAIR, "200 connections at once do not mix", carries_many_at_once},
    {33, MUST, OF_PAIR, "the backend closes behind 8 MiB: all of it arrives, then the end",
     ends_with_backend},
    {34, SHOULD, OF_PAIR, "half-close: an answer that is asked for by FIN arrives", half_closes},
    {35, MUST, OF_PAIR, "a reader that stalls stalls the sender, memory stays flat",
     stalls_with_reader},
    {36, MUST, OF_PAIR, "200 short connections leave no descriptor and no memory behind",
     gives_back},
    {37, SHOULD, OF_EACH, "upstream refuses: the local side is closed within 3 s", reports_refusal},
    {38, SHOULD, OF_CLIENT, "a bare connect and close opens no connection upstream",
     dials_only_for_bytes},
    {42, MAY, OF_PAIR, "UDP, where it is claimed; no UDP socket where it is not",
     carries_datagrams},
    {44, SHOULD, OF_PAIR, "extra round trips to the first byte of an answer",
     answers_in_round_trips},
    {0},
};
