# SPDX-License-Identifier: Apache-2.0
# The SDK as a product: what is installed works elsewhere, its binary interface is the announced one,
# and what the pages say compiles and runs.
if(SSP_FUZZ OR SSP_COVERAGE)
  return() # such libraries need the runtime of their compiler in every program
endif()
ssp_pytest(install 1200 install packages)
ssp_pytest(docs 300 compatibility docs embedding)
if(CMAKE_SIZEOF_VOID_P EQUAL 8)
  ssp_pytest(abi 120 abi)
endif()
