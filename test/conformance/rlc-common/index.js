// Nothing of it is used.
module.exports = {};
