# SPDX-License-Identifier: Apache-2.0
# The life of plugins: one ctest per file of tests/lifecycle, as ssp_pytest() of python.cmake makes
# them. The fake plugin, the thief and the directories of single tests are in build/<preset>/tests.
# LIFECYCLE_REPEAT in the environment is the number of kills of each kind (60).
ssp_pytest(lifecycle 900
  death hints hops orphans output patience privileges ready real restart spawn stop theft)
