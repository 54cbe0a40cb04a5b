// SPDX-License-Identifier: Apache-2.0
// A plugin in C++: turns every byte by 128.
#include <ssplugin/ssplugin.h>

#include <algorithm>
#include <cstdint>

static ssp_verdict turn(ssp_conn *, void *, ssp_io *io)
{
    std::size_t n = 0;
    const std::uint8_t *in = ssp_in(io, &n);
    if (n == 0)
        return SSP_MORE;
    n = std::min(n, ssp_room_left(io));
    std::uint8_t *out = ssp_room(io, n);
    std::transform(in, in + n, out, [](std::uint8_t byte) { return byte ^ 128; });
    ssp_used(io, n);
    ssp_skip(io, n);
    return SSP_OK;
}

int main(int argc, char **argv)
{
    ssp_codec codec{};
    codec.size = sizeof codec;
    codec.name = "rot";
    codec.version = "1.0";
    codec.wrap = codec.unwrap = turn;
    return ssp_main(argc, argv, &codec);
}
