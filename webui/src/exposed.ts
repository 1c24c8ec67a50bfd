/** Whether others on the way can read along: HTTP from another machine. On the controller itself it leaves no wire. */
export const exposed = location.protocol === 'http:' && !/^(localhost|.*\.localhost|127(\.\d+){3}|\[::1\])$/.test(location.hostname);
